import unittest

from benchmarks.driver.estimate import Estimate, estimate, ratios


class EstimateTest(unittest.TestCase):
    def test_the_interval_holds_the_median(self):
        result = estimate([1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0])
        self.assertEqual(result.median, 5.0)
        self.assertLess(result.low, 5.0)
        self.assertGreater(result.high, 5.0)
        self.assertGreaterEqual(result.low, 1.0)
        self.assertLessEqual(result.high, 9.0)

    def test_it_is_narrow_where_the_values_agree(self):
        self.assertEqual(estimate([3.0] * 9), Estimate(3.0, 3.0, 3.0))

    def test_one_outlier_of_nine_moves_neither_end_far(self):
        result = estimate([1.0] * 8 + [100.0])
        self.assertEqual((result.median, result.high), (1.0, 1.0))

    def test_the_same_values_give_the_same_interval(self):
        values = [2.7, 3.1, 2.9, 3.3, 2.8]
        self.assertEqual(estimate(values), estimate(values))

    def test_the_interval_covers_the_truth_about_as_often_as_it_says(self):
        import random

        draw = random.Random(7)
        covered = 0
        for _ in range(200):
            result = estimate([draw.gauss(10, 1) for _ in range(9)])
            covered += result.low <= 10 <= result.high
        self.assertGreater(covered, 0.85 * 200)
        self.assertLess(covered, 200)

    def test_no_values_are_an_error(self):
        with self.assertRaises(ValueError):
            estimate([])

    def test_ratios_are_formed_round_by_round(self):
        self.assertEqual(ratios([2.0, 9.0], [1.0, 3.0]), [2.0, 3.0])

    def test_sides_of_different_rounds_are_an_error(self):
        with self.assertRaises(ValueError):
            ratios([1.0], [1.0, 2.0])
