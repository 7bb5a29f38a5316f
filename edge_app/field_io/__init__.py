"""How the box speaks to devices of its lot: the local broker, HTTP, Modbus TCP."""

from edge_app.field_io.errors import FieldError
from edge_app.field_io.modbus import ModbusPoint
from edge_app.field_io.mqtt import LocalLink, LocalLinkInfo
from edge_app.field_io.web import WebDevice

__all__ = ["FieldError", "LocalLink", "LocalLinkInfo", "ModbusPoint", "WebDevice"]
