import unittest

from benchmarks.instructions.instructions_benchmark import parse_annotation

_TEXT = """--------------------------------------------------------------------------------
Ir
--------------------------------------------------------------------------------
12,000 (100.0%)  PROGRAM TOTALS

--------------------------------------------------------------------------------
Ir               file:function
--------------------------------------------------------------------------------
 6,000 (50.00%)  ???:rotor::http::Gate::Check(char const*, unsigned long) [/tmp/hello_http]
 3,000 (25.00%)  ./string/memmove.S:__memmove_avx_unaligned [/lib/libc.so.6]
"""


class AnnotationTest(unittest.TestCase):
    def test_counts_are_per_request(self):
        counted = parse_annotation(_TEXT, 100)
        self.assertEqual(counted.instructions, 120)
        self.assertEqual(
            counted.functions,
            [
                ("rotor::http::Gate::Check(char const*, unsigned long)", 60),
                ("__memmove_avx_unaligned", 30),
            ],
        )
