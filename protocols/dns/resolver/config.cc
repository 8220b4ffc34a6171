#include "protocols/dns/resolver/config.h"

#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rotor::dns {
namespace {

class SystemFileReader final : public FileReader {
 public:
  std::string Stamp(const std::string& path) override {
    struct stat file;
    if (stat(path.c_str(), &file) != 0) return "";
    return absl::StrCat(file.st_dev, " ", file.st_ino, " ", file.st_size, " ", file.st_mtim.tv_sec,
                        " ", file.st_mtim.tv_nsec);
  }
  absl::StatusOr<std::string> Read(const std::string& path, size_t bytes_max) override {
    std::ifstream file(path, std::ios::binary);
    if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
    std::string bytes(bytes_max + 1, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<size_t>(file.gcount()));
    if (bytes.size() > bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": larger than ", bytes_max, " bytes"));
    }
    return bytes;
  }
};

}  // namespace

std::shared_ptr<FileReader> SystemFiles() { return std::make_shared<SystemFileReader>(); }

Config::Config(const ResolverOptions& options)
    : options_(options), files_(options.files != nullptr ? options.files : SystemFiles()) {
  conf_ = options.config.has_value() ? *options.config : ParseResolvConf("");
}

bool Config::Refresh(Time now) {
  next_look_ = now + options_.reload_interval;
  bool changed = false;
  if (!options_.config.has_value()) {
    std::string stamp = files_->Stamp(options_.resolv_conf);
    if (stamp != conf_stamp_) {
      conf_stamp_ = std::move(stamp);
      conf_ = ParseResolvConf(ReadFile(options_.resolv_conf));
      changed = true;
    }
  }
  if (!options_.hosts.empty()) {
    std::string stamp = files_->Stamp(options_.hosts);
    if (stamp != hosts_stamp_) {
      hosts_stamp_ = std::move(stamp);
      hosts_ = HostsFile::Parse(ReadFile(options_.hosts));
    }
  }
  return changed;
}

// A file that cannot be read is as good as empty.
std::string Config::ReadFile(const std::string& path) {
  absl::StatusOr<std::string> text = files_->Read(path, options_.file_bytes_max);
  return text.ok() ? *std::move(text) : std::string();
}

}  // namespace rotor::dns
