"""What the event files of a training hold, for tests."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.util.tensor_util import make_ndarray


def read(directory):
    """An accumulator that keeps everything."""
    events = EventAccumulator(str(directory), size_guidance={"tensors": 0})
    return events.Reload()


def curves(directory):
    """Steps and values of every scalar of a folder."""
    events = read(directory)
    return {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
        if not tag.startswith("_hparams_")
    }


def hparams_of(directory):
    """A run's configuration as the HPARAMS tab has it."""
    content = read(directory).SummaryMetadata(hparams.SESSION_START_INFO_TAG)
    session = hparams.parse_session_start_info_plugin_data(content.plugin_data.content)
    return {
        name: getattr(value, value.WhichOneof("kind")) for name, value in session.hparams.items()
    }


def event_files(directory):
    """How many event files each folder of a run has."""
    files = [path.parent.name for path in directory.rglob("events.out.tfevents.*")]
    return {name: files.count(name) for name in files}
