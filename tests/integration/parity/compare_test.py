#!/usr/bin/env python3
"""The table's rule: every difference has a reason, and every reason a difference."""
import re
import unittest

from compare import complaints
from steps import Case, Observation

BOTH = Observation(0, "same", "")


def case(**differs):
    return Case("name", ("words",), differs={key.replace("_", " "): value for key, value in differs.items()})


class Complaints(unittest.TestCase):
    def words(self, *arguments):
        return [complaint[0] for complaint in complaints(*arguments)]

    def test_equal_sides_need_no_reason(self):
        self.assertEqual(complaints(case(), [BOTH], [BOTH]), [])

    def test_each_field_that_differs_without_a_reason_is_one(self):
        self.assertEqual(complaints(case(), [BOTH], [Observation(1, "other", "")]),
                         [("a difference without a reason", "1 exit", 0, 1),
                          ("a difference without a reason", "1 stdout", "same", "other")])

    def test_a_difference_as_explained_is_none(self):
        self.assertEqual(complaints(case(**{"1_exit": (0, 1, "why")}), [BOTH], [Observation(1, "same", "")]), [])

    def test_another_difference_than_explained_is_one(self):
        found = self.words(case(**{"1_exit": (0, 1, "why")}), [BOTH], [Observation(2, "same", "")])
        self.assertEqual(found, ["another difference than the one explained (why)"])

    def test_a_pattern_must_match_wholly(self):
        explained = case(**{"1_stdout": (re.compile("sa.e"), re.compile("other"), "why")})
        self.assertEqual(complaints(explained, [BOTH], [Observation(0, "other", "")]), [])
        self.assertEqual(len(complaints(explained, [BOTH], [Observation(0, "another", "")])), 1)

    def test_a_reason_without_a_difference_is_one(self):
        self.assertEqual(self.words(case(**{"1_exit": (0, 1, "why")}), [BOTH], [BOTH]),
                         ["now equal: remove the reason"])

    def test_a_reason_for_a_step_that_is_not_there_is_one(self):
        self.assertEqual(self.words(case(**{"2_exit": (0, 1, "why")}), [BOTH], [BOTH]),
                         ["now equal: remove the reason"])

    def test_a_step_that_one_side_did_not_reach_is_a_difference(self):
        self.assertEqual(len(complaints(case(), [BOTH, BOTH], [BOTH])), 3)

    def test_a_step_that_neither_side_can_do_is_a_complaint(self):
        stuck = Observation("cannot be done")
        self.assertEqual(self.words(case(), [stuck], [stuck]), ["a step that cannot be done"])

    def test_what_is_not_compared_may_differ(self):
        self.assertEqual(complaints(case(), [Observation(0, None, None)], [Observation(0, None, None)]), [])


if __name__ == "__main__":
    unittest.main()
