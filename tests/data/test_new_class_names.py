"""Names that a class may have beside those that are known."""

from __future__ import annotations

import pytest

from tl_core.data.checks.class_names import check_new_name
from tl_core.errors import DataError


@pytest.mark.parametrize("name", ("Number", "num-ber", "NUM BER", "number ", "n\u2010umber"))
def test_a_new_name_that_people_would_take_for_a_known_one_is_refused(name):
    with pytest.raises(DataError, match="'number' already"):
        check_new_name(name, ["number", "date"])
    check_new_name("numbers", ["number", "date"])
    check_new_name("A+", ["A", "A-"])
