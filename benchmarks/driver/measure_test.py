import pathlib
import unittest

from benchmarks.driver import measure
from benchmarks.driver.scenario import Goal, Load, Sample, Server


def _samples(*cpu: float) -> list[Sample]:
    return [Sample(c, 0.5, 1000.0, 10.0, 20.0, 0.9, 0.0) for c in cpu]


def _report(ours, null, peer) -> str:
    load = Load("one", "title", None, goals=[Goal("ours", "cpu", "null", 1.10)])
    servers = [
        Server("ours", None, kind="ours"),
        Server("null", None, kind="reference"),
        Server("libuv", None),
    ]
    samples = {"one": {"ours": ours, "null": null, "libuv": peer}}
    return measure.load_report(load, servers, samples)


class LoadReportTest(unittest.TestCase):
    def test_ratios_are_those_of_the_rounds(self):
        # Twice as slow a machine in the second round: the ratio does not notice.
        text = _report(_samples(3.3, 6.6, 3.3), _samples(3, 6, 3), _samples(4, 8, 4))
        self.assertIn("goal met: ours ÷ null ≤ 1.1 by server CPU µs per request: 1.100", text)
        self.assertIn("| libuv | 4.00 [4.00, 8.00] |", text)
        self.assertNotIn("loss", text)

    def test_a_missed_goal_is_said(self):
        self.assertIn("goal **missed**", _report(_samples(4), _samples(3), _samples(5)))

    def test_a_peer_ahead_is_a_loss(self):
        text = _report(_samples(4), _samples(3), _samples(3.2))
        self.assertIn(
            "**loss**: libuv is ahead by server CPU µs per request: ours ÷ libuv 1.250", text
        )

    def test_the_null_server_ahead_is_none(self):
        self.assertNotIn("loss", _report(_samples(4), _samples(3), _samples(5)))


class SummaryTest(unittest.TestCase):
    def test_goals_and_losses_of_all_loads(self):
        goal = Goal("ours", "cpu", "null", 1.08)
        loads = [Load(name, "title", None, goals=[goal]) for name in ("one", "two", "not run")]
        servers = [
            Server("ours", None, kind="ours"),
            Server("null", None, kind="reference"),
            Server("libuv", None),
        ]
        samples = {
            "one": {"ours": _samples(4), "null": _samples(4), "libuv": _samples(5)},
            "two": {"ours": _samples(4), "null": _samples(3), "libuv": _samples(3)},
        }
        text = measure.summary(loads, servers, samples)
        self.assertIn("| one | ours ÷ null, server CPU µs per request | 1.08 | 1.000 | met |", text)
        self.assertIn("| 1.08 | 1.333 | **missed** |", text)
        self.assertIn("A peer is ahead in 1 of 2 comparisons: libuv in two.", text)


class ReconnectsTest(unittest.TestCase):
    def test_connections_that_ended_are_said(self):
        ours, null = _samples(4), _samples(4)
        self.assertNotIn("anew", _report(ours, null, _samples(4)))
        ours[0].reconnects = 12
        self.assertIn("* ours ended 12 connections", _report(ours, null, _samples(4)))


class PlotLinkTest(unittest.TestCase):
    def test_a_plot_below_the_file_is_shown(self):
        readme = pathlib.Path("/a/benchmarks/README.md")
        self.assertEqual(
            measure.plot_link("http", pathlib.Path("/a/benchmarks/results"), readme),
            "![http](results/http.svg)\n\n",
        )
        self.assertEqual(measure.plot_link("http", pathlib.Path("/tmp"), readme), "")


class DisturbedTest(unittest.TestCase):
    def test_samples_with_company_are_counted(self):
        quiet, noisy = _samples(1, 1)
        noisy.foreign = 0.2
        text = measure.disturbed({"one": {"ours": [quiet, noisy]}})
        self.assertIn("1 of 2 samples were disturbed", text)
