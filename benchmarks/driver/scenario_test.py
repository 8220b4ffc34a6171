import unittest

from benchmarks.driver.scenario import parse_wrk
from benchmarks.driver.system import Failure

_OUTPUT = """Running 2s test @ http://127.0.0.1:8888/
  2 threads and 400 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.02ms    1.00ms  33.99ms   88.29%
    Req/Sec    98.39k     7.10k  112.92k    76.92%
  Latency Distribution
     50%  890.00us
     75%    2.34ms
     90%    2.79ms
     99%    4.90ms
  407744 requests in 2.10s, 49.39MB read
Requests/sec: 194163.11
Transfer/sec:     23.52MB
"""


class WrkTest(unittest.TestCase):
    def test_its_figures_are_read(self):
        self.assertEqual(
            parse_wrk(_OUTPUT),
            {"requests": 407744, "rate": 194163.11, "p50": 890.0, "p99": 4900.0},
        )

    def test_refused_requests_are_a_failure(self):
        with self.assertRaises(Failure):
            parse_wrk(_OUTPUT + "  Non-2xx or 3xx responses: 17\n")

    def test_anything_else_is_a_failure(self):
        with self.assertRaises(Failure):
            parse_wrk("unable to connect to 127.0.0.1:8888 Connection refused")
