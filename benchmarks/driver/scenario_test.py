import unittest

from benchmarks.driver.scenario import parse_dnsperf, parse_wrk
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


_DNSPERF = """Statistics:

  Queries sent:         323640
  Queries completed:    323640 (100.00%)
  Queries lost:         0 (0.00%)

  Response codes:       NOERROR 323640 (100.00%)
  Average packet size:  request 35, response 58
  Run time (s):         1.000276
  Queries per second:   323550.700007

  Average Latency (s):  0.000115 (min 0.000016, max 0.004279)
"""


class DnsperfTest(unittest.TestCase):
    def test_its_figures_are_read(self):
        result = parse_dnsperf(_DNSPERF)
        self.assertEqual((result["requests"], result["rate"]), (323640, 323550.700007))

    def test_lost_queries_and_errors_are_a_failure(self):
        for told, instead in (("lost:         0", "lost:         999"), ("NOERROR", "REFUSED")):
            with self.assertRaises(Failure):
                parse_dnsperf(_DNSPERF.replace(told, instead))
