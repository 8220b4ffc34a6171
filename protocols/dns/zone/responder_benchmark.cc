// One query to one answer, without a socket.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/zone/responder.h"
#include "protocols/dns/zone/zone_set.h"

namespace rotor::dns {
namespace {

std::shared_ptr<const ZoneStore> MakeZone() {
  Zone zone = Zone::Create("hub.test.").value();
  for (int i = 0; i < 1000; ++i) {
    const std::string host = absl::StrCat("host", i);
    const bool added = zone.Add(host, 60, RecordData::A({192, 0, 2, 1})).ok() &&
                       zone.Add(absl::StrCat("alias", i), 60,
                                RecordData::Cname(Name::FromText(host + ".hub.test.").value()))
                           .ok();
    if (!added) return nullptr;
  }
  return ZoneStore::Of(std::move(zone));
}

std::string MakeQuery(std::string_view name) {
  std::string query(512, '\0');
  MessageBuilder builder(query);
  builder.AddQuestion({Name::FromText(name).value(), RecordType::kA, RecordClass::kIn});
  builder.AddEdns({.payload_bytes = 1232});
  query.resize(builder.Finish({.id = 1, .recursion_desired = true}));
  return query;
}

void Answer(benchmark::State& state, std::string_view name) {
  const Responder responder(MakeZone());
  const std::string query = MakeQuery(name);
  std::vector<char> response(1232);
  for (auto _ : state) {
    benchmark::DoNotOptimize(responder.Answer(query, Transport::kUdp, response));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(Answer, Address, "host500.hub.test");
BENCHMARK_CAPTURE(Answer, Alias, "alias500.hub.test");
BENCHMARK_CAPTURE(Answer, NoSuchName, "nothing.hub.test");
BENCHMARK_CAPTURE(Answer, OutOfZone, "www.example.net");

// The most expensive small query: pointers, names and records of a whole TCP message.
void AnswerToLargestQuery(benchmark::State& state) {
  const Responder responder(MakeZone());
  std::string query = MakeQuery("host500.hub.test").substr(0, 34);
  query[11] = 0;
  size_t records = 0;
  for (; query.size() + 12 <= kMessageBytesMax; ++records) {
    query.append(std::string_view("\xc0\x0c\0\1\0\1\0\0\0\0\0\0", 12));
  }
  query[6] = static_cast<char>(records >> 8);
  query[7] = static_cast<char>(records & 0xff);
  std::vector<char> response(kMessageBytesMax);
  for (auto _ : state) {
    benchmark::DoNotOptimize(responder.Answer(query, Transport::kTcp, response));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * query.size()));
}
BENCHMARK(AnswerToLargestQuery);

}  // namespace
}  // namespace rotor::dns
