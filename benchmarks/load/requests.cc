#include "benchmarks/load/requests.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/random.h"

namespace rotor::benchmarks {
namespace {

constexpr size_t kMixedBatches = 1024;
constexpr size_t kLineBytes = 64;

// What Firefox 128 sends besides Host to a page that it was led to.
constexpr std::string_view kBrowserFields[] = {
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/png,image/svg+xml,*/*;q=0.8\r\n",
    "Accept-Language: en-GB,en;q=0.8,de-DE;q=0.6,de;q=0.4,fr;q=0.2\r\n",
    "Accept-Encoding: gzip, deflate, br, zstd\r\n",
    "Referer: http://www.example.com/articles/2024/the-life-of-a-request.html\r\n",
    "Cookie: session=b81c7d3fe0964a5c8f2d1e07; consent=all; theme=dark; "
    "tz=Europe%2FBerlin; seen=1717171717; basket=42\r\n",
    "Upgrade-Insecure-Requests: 1\r\n",
    "Sec-Fetch-Dest: document\r\n",
    "Sec-Fetch-Mode: navigate\r\n",
    "Sec-Fetch-Site: cross-site\r\n",
    "Priority: u=0, i\r\n",
};

std::string Word(Random& random, size_t bytes_max) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string word;
  for (size_t left = 1 + random.Below(bytes_max); left > 0; --left) {
    word += kLetters[random.Below(kLetters.size())];
  }
  return word;
}

std::string HostField(const RequestOptions& options) {
  return absl::StrCat("Host: ", std::string(options.host), "\r\n");
}

std::string_view HeadEnd(const RequestOptions& options) {
  return options.close ? "Connection: close\r\n\r\n" : "\r\n";
}

std::string OneField(const RequestOptions& options) {
  return absl::StrCat("GET / HTTP/1.1\r\n", HostField(options), std::string(HeadEnd(options)));
}

std::string Browser(const RequestOptions& options) {
  std::string request = "GET / HTTP/1.1\r\n" + HostField(options);
  for (const std::string_view field : kBrowserFields) request += field;
  return request.append(HeadEnd(options));
}

std::string Mixed(const RequestOptions& options, Random& random) {
  std::vector<std::string> fields = {HostField(options)};
  for (const std::string_view field : kBrowserFields) {
    if (random.Chance(0.75)) fields.emplace_back(field);
  }
  for (uint64_t own = random.Below(6); own > 0; --own) {
    fields.push_back(absl::StrCat("X-", Word(random, 16), ": ", Word(random, 60), "\r\n"));
  }
  for (size_t i = fields.size(); i > 1; --i) std::swap(fields[i - 1], fields[random.Below(i)]);
  std::string request =
      absl::StrCat("GET /?", Word(random, 12), "=", Word(random, 40), " HTTP/1.1\r\n");
  for (const std::string& field : fields) request += field;
  return request.append(HeadEnd(options));
}

void AppendTwoBytes(std::string& bytes, size_t value) {
  bytes += static_cast<char>(value >> 8);
  bytes += static_cast<char>(value & 0xff);
}

// Of ten names five have an A record, two an AAAA, and one each MX, TXT and SRV.
size_t DnsType(size_t number) {
  static constexpr size_t kTypes[] = {1, 1, 1, 1, 1, 28, 28, 15, 16, 33};
  return kTypes[number % 10];
}

Batch Repeated(size_t count, const std::string& request) {
  Batch batch;
  batch.requests = count;
  for (size_t i = 0; i < count; ++i) batch.bytes += request;
  return batch;
}

std::vector<Batch> MixedBatches(const RequestOptions& options) {
  Random random(1);
  std::vector<Batch> batches(kMixedBatches);
  for (Batch& batch : batches) {
    batch.requests = options.depth;
    for (size_t i = 0; i < options.depth; ++i) batch.bytes += Mixed(options, random);
  }
  return batches;
}

std::vector<Batch> DnsBatches(const RequestOptions& options) {
  std::vector<Batch> batches(kDnsNames);
  for (size_t i = 0; i < kDnsNames; ++i) {
    batches[i].requests = options.depth;
    for (size_t j = 0; j < options.depth; ++j) {
      const std::string query = DnsQuery((i + j) % kDnsNames);
      AppendTwoBytes(batches[i].bytes, query.size());
      batches[i].bytes += query;
    }
  }
  return batches;
}

}  // namespace

std::string DnsQuery(size_t number) {
  std::string query;
  AppendTwoBytes(query, number);  // Identifier.
  AppendTwoBytes(query, 0);       // A query; no recursion asked for.
  AppendTwoBytes(query, 1);       // One question, nothing else.
  for (int i = 0; i < 3; ++i) AppendTwoBytes(query, 0);
  for (const std::string& label : {absl::StrCat("n", number), std::string("test")}) {
    query += static_cast<char>(label.size());
    query += label;
  }
  query += '\0';
  AppendTwoBytes(query, DnsType(number));
  AppendTwoBytes(query, 1);  // Class IN.
  return query;
}

absl::StatusOr<std::vector<Batch>> MakeBatches(const RequestOptions& options) {
  if (options.kind == "http-one-field") {
    return std::vector<Batch>{Repeated(options.depth, OneField(options))};
  }
  if (options.kind == "http-browser") {
    return std::vector<Batch>{Repeated(options.depth, Browser(options))};
  }
  if (options.kind == "http-mixed") return MixedBatches(options);
  if (options.kind == "dns") return DnsBatches(options);
  if (options.kind == "line") {
    return std::vector<Batch>{Repeated(options.depth, std::string(kLineBytes - 1, 'x') + "\n")};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("requests are http-one-field, http-browser, http-mixed, line or dns, not '",
                   std::string(options.kind), "'"));
}

}  // namespace rotor::benchmarks
