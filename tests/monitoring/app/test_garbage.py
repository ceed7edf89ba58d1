"""What the page leaves out when it is looked through for garbage."""

import gc
import sys
from types import ModuleType

import pytest

from monitoring.app.garbage import Kept


def test_what_is_there_is_left_out_once_and_again_when_a_module_has_been_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, times = Kept(), []
    monkeypatch.setattr(gc, "freeze", lambda: times.append(len(sys.modules)))

    kept.with_new_modules()
    kept.with_new_modules()
    assert len(times) == 1

    monkeypatch.setitem(sys.modules, "of_the_page_s_second_run", ModuleType("of_the_page_s_second_run"))
    kept.with_new_modules()
    assert times == [times[0], times[0] + 1]
