import unittest

from benchmarks.driver import report
from benchmarks.driver.estimate import Estimate


class ReportTest(unittest.TestCase):
    def test_numbers_have_three_digits(self):
        written = [report.number(value) for value in (0, 0.123, 3.456, 45.67, 345.6, 1234567.8)]
        self.assertEqual(written, ["0", "0.12", "3.46", "45.7", "346", "1,234,568"])

    def test_an_interval_without_spread_is_its_median(self):
        self.assertEqual(report.interval(Estimate(3, 3, 3)), "3.00")
        self.assertEqual(report.interval(Estimate(3, 2, 4)), "3.00 [2.00, 4.00]")
        self.assertEqual(
            report.interval(Estimate(1.05, 1.01, 1.1), report.ratio), "1.050 [1.010, 1.100]"
        )

    def test_what_is_not_known_is_a_dash(self):
        unknown = float("nan")
        self.assertEqual(report.interval(Estimate(unknown, unknown, unknown)), "-")

    def test_a_table_aligns_numbers_right(self):
        self.assertEqual(
            report.table(["server", "CPU"], [["ours", "3"], ["null", "2"]]),
            "| server | CPU |\n|---|---:|\n| ours | 3 |\n| null | 2 |\n",
        )

    def test_text_is_broken_to_the_width_of_the_repository(self):
        for text in (report.paragraph("word " * 100), report.item("word " * 100)):
            self.assertLessEqual(max(map(len, text.splitlines())), 100)
        self.assertTrue(report.item("word " * 100).splitlines()[1].startswith("  word"))

    def test_a_goal_is_met_by_the_upper_end_with_some_play(self):
        self.assertTrue(report.goal_is_met(Estimate(1.05, 1.0, 1.1), 1.08))
        self.assertFalse(report.goal_is_met(Estimate(1.05, 1.0, 1.11), 1.08))

    def test_a_loss_says_how_sure_it_is(self):
        self.assertEqual(report.loss(Estimate(0.99, 0.9, 1.1)), "")
        self.assertEqual(report.loss(Estimate(1.01, 0.9, 1.1)), "**loss**, within the noise")
        self.assertEqual(report.loss(Estimate(1.05, 1.01, 1.1)), "**loss**")


class SpliceTest(unittest.TestCase):
    TEXT = "before\n<!-- results of http -->\nold\n<!-- end of http -->\nafter\n"

    def test_only_the_marked_part_changes(self):
        self.assertEqual(
            report.splice(self.TEXT, "http", "new\n"),
            "before\n<!-- results of http -->\n\nnew\n\n<!-- end of http -->\nafter\n",
        )

    def test_twice_is_as_good_as_once(self):
        once = report.splice(self.TEXT, "http", "new")
        self.assertEqual(report.splice(once, "http", "new"), once)

    def test_missing_marks_are_an_error(self):
        with self.assertRaises(ValueError):
            report.splice(self.TEXT, "dns", "new")
