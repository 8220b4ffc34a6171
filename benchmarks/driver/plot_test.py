import unittest
import xml.etree.ElementTree

from benchmarks.driver.estimate import Estimate
from benchmarks.driver.plot import Bar, Panel, plot

_SVG = "{http://www.w3.org/2000/svg}"


class PlotTest(unittest.TestCase):
    def test_bars_are_as_long_as_their_medians(self):
        bars = [
            Bar("ours", Estimate(3, 2, 4), "ours"),
            Bar("null", Estimate(1.5, 1, 2), "reference"),
        ]
        picture = xml.etree.ElementTree.fromstring(plot("title", [Panel("load", "µs", bars)]))
        background, ours, null = picture.findall(f"{_SVG}rect")
        self.assertEqual(float(ours.get("width")), 2 * float(null.get("width")))
        # The whiskers fit as well.
        self.assertLess(float(ours.get("width")) * 4 / 3, float(background.get("width")))
        self.assertNotEqual(ours.get("fill"), null.get("fill"))

    def test_text_is_escaped(self):
        picture = plot("a < b", [Panel("x & y", "µs", [Bar("<s>", Estimate(1, 1, 1), "peer")])])
        texts = [t.text for t in xml.etree.ElementTree.fromstring(picture).findall(f"{_SVG}text")]
        self.assertEqual(texts, ["a < b", "x & y, µs", "<s>", "1.00"])

    def test_panels_do_not_overlap(self):
        bar = Bar("ours", Estimate(1, 1, 1), "ours")
        picture = plot("title", [Panel(str(i), "µs", [bar, bar]) for i in range(3)])
        boxes = xml.etree.ElementTree.fromstring(picture).findall(f"{_SVG}rect")[1:]
        edges = [(float(box.get("y")), float(box.get("height"))) for box in boxes]
        for (top, height), (below, _) in zip(edges, edges[1:]):
            self.assertLess(top + height, below)

    def test_nothing_measured_is_an_empty_picture(self):
        xml.etree.ElementTree.fromstring(plot("title", []))
