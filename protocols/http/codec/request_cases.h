// Requests and what must come of them: one table, for the parser and for the whole server.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASES_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASES_H_

#include <iterator>
#include <string>
#include <vector>

#include "protocols/http/codec/request_case.h"
#include "protocols/http/codec/request_cases_bodies.h"
#include "protocols/http/codec/request_cases_heads.h"
#include "protocols/http/codec/request_cases_served.h"

namespace rotor::http {

inline std::vector<RequestCase> RequestCases() {
  std::vector<RequestCase> rows(std::begin(kServedCases), std::end(kServedCases));
  rows.insert(rows.end(), std::begin(kRefusedHeadCases), std::end(kRefusedHeadCases));
  rows.insert(rows.end(), std::begin(kRefusedBodyCases), std::end(kRefusedBodyCases));
  return rows;
}

// For INSTANTIATE_TEST_SUITE_P.
inline constexpr auto kNameOfCase = [](const auto& info) {
  return std::string(info.param.name.view);
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASES_H_
