// The numbers of the DNS: record types, classes, opcodes and response codes.
//
// Every enumeration is open: a value that has no name here is legal and carried as it is (RFC
// 3597).
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_TYPES_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_TYPES_H_

#include <cstddef>
#include <cstdint>

namespace rotor::dns {

// RFC 1035 section 3.2.2 and 3.2.3, RFC 3596, RFC 2782, RFC 6672, RFC 6891, RFC 1995, RFC 8659.
// Names of these and of more types: text.h.
enum class RecordType : uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kDname = 39,
  kOpt = 41,
  kIxfr = 251,
  kAxfr = 252,
  kAny = 255,
  kCaa = 257,
};

// RFC 1035 section 3.2.4.
enum class RecordClass : uint16_t {
  kIn = 1,
  kChaos = 3,
  kAny = 255,
};

// Four bits on the wire. RFC 1035 section 4.1.1, RFC 1996, RFC 2136.
enum class Opcode : uint8_t {
  kQuery = 0,
  kNotify = 4,
  kUpdate = 5,
};

// Twelve bits: four in the header, eight in the OPT record (RFC 1035 section 4.1.1, RFC 6891
// section 6.1.3).
enum class ResponseCode : uint16_t {
  kNoError = 0,
  kFormatError = 1,
  kServerFailure = 2,
  kNameError = 3,  // NXDOMAIN
  kNotImplemented = 4,
  kRefused = 5,
  kYxDomain = 6,  // the name a DNAME leads to is too long (RFC 6672 section 2.2)
  kBadVersion = 16,
};

// The parts of a message, in wire order.
enum class Section : uint8_t { kQuestion = 0, kAnswer = 1, kAuthority = 2, kAdditional = 3 };

inline constexpr size_t kHeaderBytes = 12;
inline constexpr size_t kMessageBytesMax = 65535;       // what the two length bytes of TCP can say
inline constexpr size_t kUdpPayloadBytesMin = 512;      // without EDNS (RFC 1035 section 4.2.1)
inline constexpr uint32_t kTtlSecondsMax = 0x7fffffff;  // RFC 2181 section 8

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_TYPES_H_
