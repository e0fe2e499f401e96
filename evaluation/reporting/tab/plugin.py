"""TensorBoard's tab INVARIANCE, found through the entry point `tensorboard_plugins`."""

import threading
from pathlib import Path

from tensorboard.plugins.base_plugin import FrontendMetadata, TBContext, TBPlugin

from evaluation.reporting.tab.application import Application, applications
from evaluation.reporting.tab.records import Records


class InvarianceTab(TBPlugin):
    """The interactive page, with the measurements of TensorBoard's log directory."""

    plugin_name = "invariance"

    def __init__(self, context: TBContext) -> None:
        """Look for measurements in a log directory, which may appear later."""
        self._records = Records(Path(context.logdir)) if context.logdir else None
        if self._records is not None:  # reading takes seconds, and nobody has the page open yet
            threading.Thread(target=self._records.json, daemon=True).start()

    def is_active(self) -> bool:
        """Return whether there are measurements."""
        return self._records is not None and bool(self._records.folders())

    def frontend_metadata(self) -> FrontendMetadata:
        """Return the name of the tab, and which module draws it."""
        # TensorBoard's button cannot reload what is in a frame; the browser's can.
        return FrontendMetadata(
            es_module_path="/page.js", tab_name="INVARIANCE", disable_reload=True
        )

    def get_plugin_apps(self) -> dict[str, Application]:
        """Return the parts of the page by their addresses."""
        return {} if self._records is None else applications(self._records)
