"""How full a lot will be, with an interval: learned once a night, served in milliseconds."""

from cloud_app.analytics.forecast.features import DayKind, by_weekend
from cloud_app.analytics.forecast.model import (
    HORIZONS_MIN,
    Fit,
    Forecast,
    ForecastModel,
    fit,
)

__all__ = ["HORIZONS_MIN", "DayKind", "Fit", "Forecast", "ForecastModel", "by_weekend", "fit"]
