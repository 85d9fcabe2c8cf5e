"""The operator's command line: `connector`."""

from __future__ import annotations

import typer

from cli import connectors, keys, quarantine, runs, tenants
from cli.activity import activity
from cli.control import approve, cancel, pause, resume
from cli.doctor import doctor
from cli.drain import drain
from cli.errors import OneSentence
from cli.explain import explain
from cli.fairness import fairness
from cli.here import Here
from cli.items import items
from cli.ps import ps
from cli.removal import remove
from cli.requeue import requeue
from cli.resealing import reseal
from cli.retry import retry
from cli.runs import run
from cli.validate import validate
from worker import logs

app = typer.Typer(
    name="connector",
    cls=OneSentence,
    help="Keeps BigCommerce stores in step with Sales Layer catalogues.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(tenants.app, name="tenant")
app.add_typer(keys.app, name="key")
app.add_typer(quarantine.app, name="quarantine")
connectors.attach(app)
runs.attach(app, run, approve, pause, resume, cancel, retry, activity, items, validate, remove)
runs.attach(app, ps, explain, requeue, fairness, reseal, doctor, drain)


@app.callback()
def begin(context: typer.Context) -> None:
    """Keep BigCommerce stores in step with Sales Layer catalogues."""
    at = context.obj if isinstance(context.obj, Here) else Here()
    context.obj = at
    # What goes wrong on the way is told in one sentence; the log's lines are for the workers.
    logs.configure(at.settings.model_copy(update={"log_level": "error"}))
