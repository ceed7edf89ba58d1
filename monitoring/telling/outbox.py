"""Messages that could not be delivered: kept among the reports, and sent by the next check, each at least once."""

import hashlib
import json
from pathlib import Path

from feature_store.files import write_at_once
from feature_store.store import FeatureStore
from monitoring.telling.notify import CHANNELS, Channels, Message, notify

MOST_KEPT = 50
"""Messages of a channel, the newest: who was away for long reads the queue."""


def send(store: FeatureStore, channels: Channels, message: Message) -> list[str]:
    """Send the message, and say what came of it; what a channel did not take is kept for the next check."""
    said = []
    for attempt in notify(channels, message):
        if attempt.is_owed:
            _keep(_folder(store, attempt.channel), message)
        said.append(f"{attempt.said} The next check sends it." if attempt.is_owed else attempt.said)
    return said


def send_kept(store: FeatureStore, channels: Channels) -> list[str]:
    """Send what was kept, oldest first, until a channel fails again; say what came of it."""
    said = []
    for channel in CHANNELS:
        for file in _kept(_folder(store, channel)):
            try:
                message = Message(**json.loads(file.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):  # deleted by another check, or of another version
                said.append(f"A message that was kept cannot be read: {file}")
                continue
            attempts = notify(channels, message, by=[channel])
            said += [f"Kept from before, {message.subject!r}: {attempt.said}" for attempt in attempts]
            if not attempts or attempts[0].is_owed:  # the channel is not there now, or is still down
                break
            file.unlink(missing_ok=True)
    return said


def _folder(store: FeatureStore, channel: str) -> Path:
    return store.reports.absolute() / "monitoring" / "undelivered" / channel


def _kept(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(folder.glob("*.json"))


def _keep(folder: Path, message: Message) -> None:
    """Write it down, at once; the same message is kept once."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**vars(message), "data": dict(message.data)}, default=str)
    name = f"{message.data.get('as_of', '')}-{hashlib.sha256(text.encode()).hexdigest()[:12]}".replace(":", "-")
    write_at_once(text, folder / f"{name}.json")
    for old in _kept(folder)[:-MOST_KEPT]:
        old.unlink(missing_ok=True)
