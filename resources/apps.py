"""What the vendor's model of an app does not say: what its environment takes a value from is one of its resources."""

from collections.abc import Iterator

from feature_store.yaml_files import Data, KeyPath, closest
from resources.substitution import is_open


def app_problems(key: str, app: Data) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong with the app's names, and where in it."""
    config = app.get("config") if isinstance(app, dict) else None
    resources, env = _mappings(app, "resources"), _mappings(config, "env")
    known = [str(one["name"]) for one in resources if one.get("name")]
    for path, listed in ((("resources",), resources), (("config", "env"), env)):
        for index, one in enumerate(listed):
            if one.get("name") == "":
                yield (*path, index, "name"), f"name in {path[-1]}[{index}] of apps.{key} is empty"
    for index, one in enumerate(env):
        source = one.get("value_from")
        if isinstance(source, str) and not is_open(source) and source not in known:
            text = f"value_from in env[{index}] of apps.{key} names {source!r}, which is none of the app's resources"
            yield ("config", "env", index, "value_from"), f"{text}; {closest(source, known)}"


def _mappings(data: Data, key: str) -> list[dict[str, Data]]:
    """The items of the list of that key; what is no mapping is told elsewhere, and counts as an empty one."""
    items = data.get(key) if isinstance(data, dict) else None
    return [one if isinstance(one, dict) else {} for one in items] if isinstance(items, list) else []
