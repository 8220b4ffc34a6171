#include "protocols/dns/zone/zone_file.h"

#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/text.h"
#include "protocols/dns/zone/record_text.h"
#include "protocols/dns/zone/zone_file_scanner.h"

namespace rotor::dns {
namespace {

// Turns entries into records of a zone.
class ZoneReader {
 public:
  ZoneReader(const ZoneFileOptions& options) : options_(options) {}

  absl::Status SetOrigin(std::string_view text) {
    absl::StatusOr<Name> name = ReadName(text, origin_);
    if (name.ok()) origin_ = *name;
    return name.status();
  }

  absl::Status Read(const ZoneEntry& entry) {
    if (entry.owner_given && !entry.words[0].quoted && entry.words[0].text.starts_with('$')) {
      return ReadDirective(entry);
    }
    return ReadRecord(entry);
  }

  absl::StatusOr<Zone> Finish() {
    if (!zone_.has_value()) return absl::InvalidArgumentError("there is no SOA record");
    if (absl::Status status = zone_->Validate(); !status.ok()) return status;
    return *std::move(zone_);
  }

 private:
  absl::Status ReadDirective(const ZoneEntry& entry) {
    const std::string_view name = entry.words[0].text;
    const bool is_origin = EqualFolded(name, "$ORIGIN");
    if (!is_origin && !EqualFolded(name, "$TTL")) {
      return absl::InvalidArgumentError(
          absl::StrCat(AsAbsl(name), ": only $ORIGIN and $TTL are understood"));
    }
    if (entry.words.size() != 2 || entry.words[1].quoted) {
      return absl::InvalidArgumentError(absl::StrCat(AsAbsl(name), " is followed by one word"));
    }
    if (is_origin) return SetOrigin(entry.words[1].text);
    absl::StatusOr<uint32_t> ttl = ReadTime(entry.words[1].text);
    if (ttl.ok()) default_ttl_ = *ttl;
    return ttl.status();
  }

  absl::Status ReadRecord(const ZoneEntry& entry) {
    std::span<const ZoneWord> words = entry.words;
    if (entry.owner_given) {
      if (words[0].quoted) return absl::InvalidArgumentError("an owner name is not quoted");
      absl::StatusOr<Name> owner = ReadName(words[0].text, origin_);
      if (!owner.ok()) return owner.status();
      owner_ = *owner;
      words = words.subspan(1);
    }
    if (!owner_.has_value()) return absl::InvalidArgumentError("the first record has no owner");
    std::optional<uint32_t> ttl;
    absl::StatusOr<RecordType> type = ReadTypeAndBefore(&words, &ttl);
    if (!type.ok()) return type.status();
    absl::StatusOr<RecordData> data = ReadRecordData(*type, words, origin_);
    if (!data.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(owner_->ToText(), " ", ToText(*type), ": ", data.status().message()));
    }
    return Add(*std::move(data), ttl);
  }

  // [TTL] [class] type or [class] [TTL] type.
  absl::StatusOr<RecordType> ReadTypeAndBefore(std::span<const ZoneWord>* words,
                                               std::optional<uint32_t>* ttl) {
    bool class_given = false;
    for (; !words->empty() && !words->front().quoted; *words = words->subspan(1)) {
      const std::string_view word = words->front().text;
      const std::optional<RecordClass> record_class = RecordClassFromText(word);
      const bool is_class = record_class.has_value() && !EqualFolded(word, "ANY");
      if (is_class && !class_given) {
        if (*record_class != RecordClass::kIn) {
          return absl::InvalidArgumentError(
              absl::StrCat("class ", AsAbsl(word), ": only IN is served"));
        }
        class_given = true;
        continue;
      }
      if (word[0] >= '0' && word[0] <= '9' && !ttl->has_value()) {
        absl::StatusOr<uint32_t> time = ReadTime(word);
        if (!time.ok()) return time.status();
        *ttl = *time;
        continue;
      }
      const std::optional<RecordType> type = RecordTypeFromText(word);
      if (!type.has_value()) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", AsAbsl(word.substr(0, 80)), "\" is not a record type"));
      }
      *words = words->subspan(1);
      return *type;
    }
    return absl::InvalidArgumentError("a record type is missing");
  }

  // RFC 1035 section 5.1: a TTL left out is the last one given; RFC 2308 section 4: or that of
  // $TTL.
  absl::StatusOr<uint32_t> ChooseTtl(std::optional<uint32_t> given, const RecordData& data) {
    if (given.has_value()) last_ttl_ = given;
    if (given.has_value()) return *given;
    if (default_ttl_.has_value()) return *default_ttl_;
    if (last_ttl_.has_value()) return *last_ttl_;
    if (StartOfAuthority soa; dns::Read(data.encoded(), &soa)) return soa.minimum;
    return absl::InvalidArgumentError(absl::StrCat(owner_->ToText(), " ", ToText(data.type()),
                                                   ": no TTL, and no $TTL before it"));
  }

  absl::Status Add(RecordData data, std::optional<uint32_t> given_ttl) {
    absl::StatusOr<uint32_t> ttl = ChooseTtl(given_ttl, data);
    if (!ttl.ok()) return ttl.status();
    if (!zone_.has_value()) {
      StartOfAuthority soa;
      if (!dns::Read(data.encoded(), &soa)) {
        return absl::InvalidArgumentError(absl::StrCat(owner_->ToText(), " ", ToText(data.type()),
                                                       ": the first record is the zone's SOA"));
      }
      absl::StatusOr<Zone> zone = Zone::Create(*owner_, soa, *ttl);
      if (!zone.ok()) return zone.status();
      zone_.emplace(*std::move(zone));
      return absl::OkStatus();
    }
    if (zone_->record_count() >= options_.records_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("more than records_max, ", options_.records_max, " records"));
    }
    absl::Status added = zone_->Add(*owner_, *ttl, std::move(data));
    return absl::IsAlreadyExists(added) ? absl::OkStatus() : added;
  }

  const ZoneFileOptions& options_;
  std::optional<Zone> zone_;
  std::optional<Name> origin_;
  std::optional<Name> owner_;
  std::optional<uint32_t> default_ttl_;
  std::optional<uint32_t> last_ttl_;
};

absl::Status At(std::string_view file_name, size_t line, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(AsAbsl(file_name), ":", line, ": ", status.message()));
}

absl::Status In(std::string_view file_name, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(AsAbsl(file_name), ": ", status.message()));
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  struct stat about;
  if (stat(path.c_str(), &about) != 0) return absl::ErrnoToStatus(errno, "stat");
  if (!S_ISREG(about.st_mode)) return absl::InvalidArgumentError("not a regular file");
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, "open");
  std::string text;
  char piece[65536];
  while (const size_t bytes = std::fread(piece, 1, sizeof(piece), file.get())) {
    text.append(piece, bytes);
    if (text.size() > bytes_max) break;  // ParseZone says so.
  }
  if (std::ferror(file.get()) != 0) return absl::ErrnoToStatus(errno, "read");
  return text;
}

}  // namespace

absl::StatusOr<Zone> ParseZone(std::string_view text, std::string_view file_name,
                               const ZoneFileOptions& options) {
  if (text.size() > options.bytes_max) {
    return In(file_name, absl::ResourceExhaustedError(
                             absl::StrCat("more than bytes_max, ", options.bytes_max, " bytes")));
  }
  ZoneReader reader(options);
  if (!options.origin.empty()) {
    if (absl::Status status = reader.SetOrigin(options.origin); !status.ok()) {
      return In(file_name, status);
    }
  }
  ZoneFileScanner scanner(text);
  for (ZoneEntry entry; scanner.Next(&entry);) {
    if (absl::Status status = reader.Read(entry); !status.ok()) {
      return At(file_name, entry.line, status);
    }
  }
  if (!scanner.status().ok()) return At(file_name, scanner.line(), scanner.status());
  absl::StatusOr<Zone> zone = reader.Finish();
  return zone.ok() ? std::move(zone) : In(file_name, zone.status());
}

absl::StatusOr<Zone> LoadZoneFile(const std::string& path, const ZoneFileOptions& options) {
  absl::StatusOr<std::string> text = ReadFile(path, options.bytes_max);
  if (!text.ok()) return In(path, text.status());
  return ParseZone(*text, path, options);
}

LoadedZones LoadZoneFiles(std::span<const std::string> paths, const ZoneSet* previous,
                          const ZoneFileOptions& options) {
  LoadedZones loaded;
  std::vector<std::shared_ptr<const Zone>> zones;
  for (size_t i = 0; i < paths.size(); ++i) {
    absl::StatusOr<Zone> zone = LoadZoneFile(paths[i], options);
    if (zone.ok()) {
      zones.push_back(Seal(*std::move(zone)));
      continue;
    }
    loaded.faults.push_back(zone.status());
    if (previous != nullptr && i < previous->zones().size()) zones.push_back(previous->zones()[i]);
  }
  if (zones.size() != paths.size()) return loaded;
  absl::StatusOr<std::shared_ptr<const ZoneSet>> set = ZoneSet::Create(std::move(zones));
  if (set.ok()) {
    loaded.zones = *std::move(set);
  } else {
    loaded.faults.push_back(set.status());
  }
  return loaded;
}

}  // namespace rotor::dns
