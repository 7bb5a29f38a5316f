"""`lotsight calibration`: everything that the editor does, without a screen.

The commands stand in `calibration.commands`; this module names them. Those that need a network get
it through the context's object, a `ModelAccess`, which `edge_app.cli.calibration` puts there.
"""

from __future__ import annotations

import typer

from calibration.commands import align, change, lines, look, propose, regions, rows

app = typer.Typer(
    help="Check, import, show and revise calibration files.",
    no_args_is_help=True,
    add_completion=False,
)

app.command("check")(look.check)
app.command("show")(look.show)
app.command("draw")(look.draw)
app.command("new")(change.new)
app.command("import")(change.import_command)
app.command("propose")(propose.propose)
app.command("rows")(rows.rows)
app.command("set")(change.set_command)
app.command("lot")(change.lot_command)
app.command("align")(align.align)
app.command("mask")(regions.mask)
app.command("area")(regions.area)
app.command("line")(lines.line)
app.command("remove")(change.remove)
app.command("export")(look.export)
app.command("diff")(look.diff)
app.command("revisions")(change.revisions)
app.command("rollback")(change.rollback)
app.command("seal")(change.seal)
app.command("schema")(look.schema)
