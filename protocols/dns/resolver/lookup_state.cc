#include "protocols/dns/resolver/lookup_state.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/text.h"
#include "protocols/dns/resolver/resolver_core.h"

namespace rotor::dns {
namespace {

// The address in an A or AAAA record; none in others.
SocketAddress AddressOf(const RecordData& record, uint16_t port) {
  std::array<uint8_t, 4> v4;
  std::array<uint8_t, 16> v6;
  if (Read(record.encoded(), &v4)) {
    sockaddr_in kernel = {};
    kernel.sin_family = AF_INET;
    kernel.sin_port = htons(port);
    std::memcpy(&kernel.sin_addr, v4.data(), v4.size());
    return SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  }
  if (Read(record.encoded(), &v6)) {
    sockaddr_in6 kernel = {};
    kernel.sin6_family = AF_INET6;
    kernel.sin6_port = htons(port);
    std::memcpy(&kernel.sin6_addr, v6.data(), v6.size());
    return SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  }
  return SocketAddress();
}

}  // namespace

LookupState::LookupState(ResolverCore* core, Notifier notifier, const Wanted& wanted)
    : Timed(TimedKind::kLookup), core_(core), notifier_(std::move(notifier)), wanted_(wanted) {}

LookupState::~LookupState() {
  if (core_ != nullptr) core_->Cancel(*this);
}

absl::StatusOr<resolve::Addresses> LookupState::Take() {
  if (!failure_.ok()) return failure_;
  const uint16_t port = wanted_.options.port;
  resolve::Addresses addresses;
  for (size_t i = 0; i < part_count_; ++i) {
    const std::shared_ptr<const Answer>& answer = parts_[i].known.answer;
    if (answer == nullptr || answer->kind != Answer::Kind::kRecords) continue;
    addresses.reserve(addresses.size() + answer->records.size());
    for (const RecordData& record : answer->records) {
      const SocketAddress address = AddressOf(record, port);
      if (address.is_ip()) addresses.push_back(address);
    }
  }
  if (addresses.empty()) return NotFound();
  return addresses;
}

absl::StatusOr<std::shared_ptr<const Answer>> LookupState::TakeAnswer() {
  if (!failure_.ok()) return failure_;
  const std::shared_ptr<const Answer>& answer = parts_[0].known.answer;
  if (answer != nullptr && answer->kind == Answer::Kind::kRecords) return answer;
  return negative_;
}

Time LookupState::expires() const {
  Time expires = Time() + absl::InfiniteDuration();
  for (size_t i = 0; i < part_count_; ++i) {
    const std::shared_ptr<const Answer>& answer = parts_[i].known.answer;
    if (answer != nullptr) expires = std::min(expires, answer->expires);
  }
  return expires;
}

absl::Status LookupState::NotFound() const {
  const bool exists = negative_ == nullptr || negative_->kind == Answer::Kind::kNoData;
  return absl::NotFoundError(
      absl::StrCat(absl::CHexEscape(host_), exists ? ": has no such address" : ": no such name"));
}

SubscriptionState::SubscriptionState(ResolverCore* core, Notifier notifier, std::string host,
                                     const Wanted& wanted)
    : Timed(TimedKind::kSubscription),
      core_(core),
      notifier_(std::move(notifier)),
      host_(std::move(host)),
      wanted_(wanted),
      addresses_(absl::UnavailableError("the name was not looked up yet")) {}

SubscriptionState::~SubscriptionState() {
  if (core_ != nullptr) core_->Cancel(*this);
}

bool SubscriptionState::TakeChanged() { return std::exchange(changed_, false); }

}  // namespace rotor::dns
