"""What every step of a run is given: the settings, and the lock on LEDGER_HOME for as long as the run lives."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from orchestration import sealing
from orchestration.lock import home_lock
from orchestration.settings import LedgerError, Settings, parse_as_of


def remove_leftovers(settings: Settings) -> None:
    """Remove what a run that died here left behind: half a seal, spill files. The caller holds the lock."""
    sealing.remove_leftovers(settings)
    if settings.temporary.is_dir() and not settings.temporary.is_symlink():
        for path in settings.temporary.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class LedgerResource(ConfigurableResource):
    """The home, the run's one clock and the lock. `as_of` (ISO 8601 with zone) wins over LEDGER_AS_OF."""

    as_of: str = ""

    _settings: Settings | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["LedgerResource"]:
        settings = Settings.from_environment()
        if self.as_of:
            settings = replace(settings, as_of=parse_as_of(self.as_of))
        run_id = context.run_id or ""
        with home_lock(settings, f"Dagster run {run_id}"):
            remove_leftovers(settings)
            self._settings = settings
            yield self

    @property
    def settings(self) -> Settings:
        """The environment of this run, read once."""
        if self._settings is None:
            raise LedgerError("The ledger resource is used outside of a run.")
        return self._settings
