// Static files in a whole server, in a simulated world with a simulated disk.
#include "protocols/http/static_files/static_files.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/strings.h"
#include "core/testing/sim_file_system.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/router/router.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Opened at the first request, since only then the world is there.
class LazyFiles {
 public:
  explicit LazyFiles(Script&) {}

  BodyPlan HeadReceived(const RequestHead& head, Reply& reply, Scope& scope) {
    return Files(scope).HeadReceived(head, reply, scope);
  }
  void RequestReceived(const Request& request, Reply& reply, Scope& scope) {
    Files(scope).RequestReceived(request, reply, scope);
  }

  // Of the next world.
  static StaticFilesOptions& options() {
    static StaticFilesOptions options;
    return options;
  }

 private:
  StaticFiles& Files(Scope& scope) {
    if (!files_.has_value()) files_.emplace(*StaticFiles::Open(scope.io(), options()));
    return *files_;
  }

  std::optional<StaticFiles> files_;
};

using FilesWorldBase = BasicHttpWorld<LazyFiles>;

constexpr absl::Time kModified = absl::FromUnixSeconds(784000000);  // Sat, 05 Nov 1994 01:46:40
constexpr std::string_view kDateLine = "\r\nLast-Modified: Sat, 05 Nov 1994 01:46:40 GMT\r\n";

std::string Numbers(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) absl::StrAppend(&text, i, ",");
  text.resize(bytes);
  return text;
}

struct FilesWorld : FilesWorldBase {
  explicit FilesWorld(StaticFilesOptions options = {}, SimOptions sim = Plain(),
                      ServerOptions server = {})
      : FilesWorldBase(server, sim, {.machines_max = 64}), disk(host.sim().file_system()) {
    options.root = "/srv/www";
    LazyFiles::options() = options;
    disk.Write("/srv/www/index.html", "<p>root", kModified);
    disk.Write("/srv/www/a.txt", "0123456789", kModified);
    disk.Write("/srv/www/empty", "", kModified);
    disk.Write("/srv/www/large.bin", Numbers(300'000), kModified);
    disk.Write("/srv/www/dir/index.html", "<p>dir", kModified);
    disk.Write("/srv/www/dir/b c.css", "b{}", kModified);
    disk.Write("/srv/secret", "secret", kModified);
    disk.MakeDirectory("/srv/www/bare");
  }
  std::string Ask(std::string_view target, std::string_view fields = "") {
    return ExchangeOnce(Get(target, fields));
  }

  SimFileSystem& disk;
};

std::string Body(std::string_view response) {
  const size_t head_end = response.find("\r\n\r\n");
  return head_end == std::string_view::npos ? "" : std::string(response.substr(head_end + 4));
}
std::string FieldOf(std::string_view response, std::string_view name) {
  const std::string line = absl::StrCat("\r\n", AsAbsl(name), ": ");
  const size_t at = response.find(line);
  if (at == std::string_view::npos) return "";
  response.remove_prefix(at + line.size());
  return std::string(response.substr(0, response.find('\r')));
}

TEST(StaticFilesTest, AFileWithWhatIsSaidOfIt) {
  FilesWorld world;
  const std::string response = world.Ask("/a.txt");
  EXPECT_THAT(response,
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\n0123456789"),
                    HasSubstr(kDateLine), HasSubstr("\r\nContent-Length: 10\r\n"),
                    HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n"),
                    HasSubstr("\r\nAccept-Ranges: bytes\r\n"), Not(HasSubstr("Cache-Control"))));
  EXPECT_THAT(FieldOf(response, "ETag"), AllOf(StartsWith("\"a-"), EndsWith("\"")));
  EXPECT_THAT(world.Ask("/empty"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\r\nContent-Length: 0\r\n")));
  EXPECT_EQ(Body(world.Ask("/%61.t%78t?query=1")), "0123456789");
  EXPECT_THAT(world.Ask("/dir/b%20c.css"),
              AllOf(EndsWith("b{}"), HasSubstr("\r\nContent-Type: text/css; charset=utf-8\r\n")));
}

TEST(StaticFilesTest, DirectoriesHaveAnIndexAndASlash) {
  FilesWorld world;
  EXPECT_EQ(Body(world.Ask("/")), "<p>root");
  EXPECT_EQ(Body(world.Ask("/dir/")), "<p>dir");
  EXPECT_THAT(world.Ask("/dir/"), HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(world.Ask("/dir"),
              AllOf(StartsWith("HTTP/1.1 301 "), HasSubstr("\r\nLocation: /dir/\r\n")));
  EXPECT_THAT(world.Ask("/d%69r?a=b"), HasSubstr("\r\nLocation: /d%69r/?a=b\r\n"));
  EXPECT_THAT(world.Ask("/bare/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(world.Ask("/a.txt/"), StartsWith("HTTP/1.1 404 "));
  world.disk.MakeDirectory("/srv/www/bare/index.html");
  EXPECT_THAT(world.Ask("/bare/"), StartsWith("HTTP/1.1 404 "));
  FilesWorld without({.index = ""});
  EXPECT_THAT(without.Ask("/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(without.Ask("/dir/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_EQ(Body(without.Ask("/dir/index.html")), "<p>dir");
}

TEST(StaticFilesTest, NothingOutsideTheRoot) {
  FilesWorld world;
  for (const char* path :
       {"/../secret", "/%2e%2e/secret", "/dir/../../secret", "/..%2fsecret", "/.%2E/secret",
        "/dir/%2e%2e/%2e%2e/secret", "/..", "/%00", "/a.txt%00"}) {
    EXPECT_THAT(world.Ask(path), AllOf(StartsWith("HTTP/1.1 400 "), Not(HasSubstr("secret"))))
        << path;
  }
  for (const char* path : {"//srv/secret", "//", "/dir//index.html", "//evil.test/..;/", "/nothing",
                           "/a.txt/b", "/...", "/%252e%252e/secret", "/\\..\\secret"}) {
    EXPECT_THAT(world.Ask(path), AnyOf(StartsWith("HTTP/1.1 404 "), StartsWith("HTTP/1.1 400 ")))
        << path;
    EXPECT_EQ(world.Ask(path).find("\r\n\r\nsecret"), std::string::npos);
  }
  EXPECT_THAT(world.Ask("/" + std::string(5000, 'x')), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(world.Ask("/" + std::string(4090, 'x')), StartsWith("HTTP/1.1 404 "));
}

TEST(StaticFilesTest, NamesWithADotInFrontOnlyIfAsked) {
  const auto Fill = [](FilesWorld& world) {
    world.disk.Write("/srv/www/.env", "e");
    world.disk.Write("/srv/www/.git/index.html", "g");
    world.disk.Write("/srv/www/dir/.htaccess", "h");
  };
  FilesWorld world;
  Fill(world);
  for (const char* path :
       {"/.env", "/.git/", "/.git", "/.git/index.html", "/dir/.htaccess", "/%2eenv"}) {
    EXPECT_THAT(world.Ask(path), StartsWith("HTTP/1.1 404 ")) << path;
  }
  FilesWorld open({.dot_files = true});
  Fill(open);
  EXPECT_EQ(Body(open.Ask("/.env")), "e");
  EXPECT_EQ(Body(open.Ask("/.git/")), "g");
}

TEST(StaticFilesTest, LinksByPolicy) {
  const auto Fill = [](FilesWorld& world) {
    world.disk.MakeLink("/srv/www/link", "dir/index.html");
    world.disk.MakeLink("/srv/www/way", "dir");
    world.disk.MakeLink("/srv/www/out", "../secret");
    world.disk.MakeLink("/srv/www/absolute", "/srv/secret");
  };
  FilesWorld never;
  Fill(never);
  for (const char* path : {"/link", "/way/", "/way", "/out", "/absolute"}) {
    EXPECT_THAT(never.Ask(path), StartsWith("HTTP/1.1 404 ")) << path;
  }
  FilesWorld beneath({.symlinks = SymlinkPolicy::kBeneath});
  Fill(beneath);
  EXPECT_EQ(Body(beneath.Ask("/link")), "<p>dir");
  EXPECT_EQ(Body(beneath.Ask("/way/")), "<p>dir");
  EXPECT_THAT(beneath.Ask("/way"), StartsWith("HTTP/1.1 301 "));
  EXPECT_THAT(beneath.Ask("/out"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(beneath.Ask("/absolute"), StartsWith("HTTP/1.1 404 "));
}

TEST(StaticFilesTest, WhatCannotBeRead) {
  FilesWorld world;
  world.disk.MakePipe("/srv/www/pipe");
  world.disk.Write("/srv/www/private", "p");
  world.disk.MakeUnreadable("/srv/www/private");
  EXPECT_THAT(world.Ask("/pipe"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(world.Ask("/private"), StartsWith("HTTP/1.1 403 "));
}

TEST(StaticFilesTest, WithoutDescriptorsItIs503) {
  SimOptions sim = Plain();
  sim.open_files_max = 4;  // Listener, root, two more.
  FilesWorld world({}, sim);
  EXPECT_EQ(Body(world.Ask("/a.txt")), "0123456789");
  const auto other = world.Connect();
  const auto third = world.Connect();
  EXPECT_THAT(world.Exchange(*other, Get("/a.txt")),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\nRetry-After: 1\r\n")));
}

TEST(StaticFilesTest, OnlyGetHeadAndOptions) {
  FilesWorld world;
  const auto Ask = [&](std::string_view line, std::string_view rest = "\r\n") {
    return world.ExchangeOnce(absl::StrCat(AsAbsl(line), " HTTP/1.1\r\nHost: h\r\n", AsAbsl(rest)));
  };
  const std::string head = Ask("HEAD /a.txt");
  EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\r\nContent-Length: 10\r\n"),
                          EndsWith("\r\n\r\n")));
  EXPECT_EQ(head, world.Ask("/a.txt").substr(0, head.size()));
  EXPECT_THAT(Ask("HEAD /large.bin"),
              AllOf(HasSubstr("\r\nContent-Length: 300000\r\n"), EndsWith("\r\n\r\n")));
  for (const char* line : {"POST /a.txt", "PUT /a.txt", "DELETE /", "PATCH /none", "TRACE /"}) {
    EXPECT_THAT(Ask(line),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n")))
        << line;
  }
  EXPECT_THAT(Ask("OPTIONS /a.txt"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(Ask("OPTIONS *"), StartsWith("HTTP/1.1 204 "));
  // The body is not waited for.
  EXPECT_THAT(Ask("PUT /a.txt", "Content-Length: 1000\r\n\r\nabc"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Ask("GET /a.txt", "Content-Length: 1000\r\n\r\nabc"), HasSubstr("0123456789"));
}

TEST(StaticFilesTest, Conditions) {
  FilesWorld world({.cache_control = "max-age=60"});
  const std::string tag = FieldOf(world.Ask("/a.txt"), "ETag");
  const std::string current = world.Ask("/a.txt", absl::StrCat("If-None-Match: ", tag, "\r\n"));
  // What a cache needs to freshen its copy (RFC 9110 section 15.4.5), and no body.
  EXPECT_THAT(current, AllOf(StartsWith("HTTP/1.1 304 "), EndsWith("\r\n\r\n"),
                             HasSubstr(kDateLine), HasSubstr("\r\nCache-Control: max-age=60\r\n"),
                             HasSubstr(absl::StrCat("\r\nETag: ", tag, "\r\n")),
                             HasSubstr("\r\nDate: "), Not(HasSubstr("Content-"))));
  EXPECT_THAT(world.Ask("/a.txt", "If-Modified-Since: Sat, 05 Nov 1994 01:46:40 GMT\r\n"),
              StartsWith("HTTP/1.1 304 "));
  EXPECT_THAT(world.Ask("/a.txt", "If-Modified-Since: Sat, 05 Nov 1994 01:46:39 GMT\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(world.Ask("/a.txt", "If-Match: \"other\"\r\n"), StartsWith("HTTP/1.1 412 "));
  EXPECT_THAT(world.Ask("/none", "If-Match: *\r\n"), StartsWith("HTTP/1.1 404 "));
  world.disk.Write("/srv/www/a.txt", "0123456789", kModified + absl::Nanoseconds(1));
  EXPECT_THAT(world.Ask("/a.txt", absl::StrCat("If-None-Match: ", tag, "\r\n")),
              StartsWith("HTTP/1.1 200 "));
}

TEST(StaticFilesTest, WithinTheSecondOfAChangeTheTagIsWeakAndNoDateIsInTheFuture) {
  FilesWorld world;
  world.disk.Write("/srv/www/new", "new", absl::FromUnixSeconds(784111777));
  world.disk.Write("/srv/www/ahead", "ahead", absl::FromUnixSeconds(1000000000));
  const std::string fresh = world.Ask("/new");
  EXPECT_THAT(FieldOf(fresh, "ETag"), StartsWith("W/\"3-"));
  EXPECT_THAT(
      world.Ask("/new",
                absl::StrCat("Range: bytes=0-0\r\nIf-Range: ", FieldOf(fresh, "ETag"), "\r\n")),
      StartsWith("HTTP/1.1 200 "));
  const std::string ahead = world.Ask("/ahead");
  EXPECT_EQ(FieldOf(ahead, "Last-Modified"), FieldOf(ahead, "Date"));
  world.Run(absl::Seconds(2));
  const std::string settled = world.Ask("/new");
  EXPECT_EQ("W/" + FieldOf(settled, "ETag"), FieldOf(fresh, "ETag"));
}

TEST(StaticFilesTest, Ranges) {
  FilesWorld world;
  EXPECT_THAT(world.Ask("/a.txt", "Range: bytes=2-4\r\n"),
              AllOf(StartsWith("HTTP/1.1 206 Partial Content\r\n"), EndsWith("\r\n\r\n234"),
                    HasSubstr("\r\nContent-Range: bytes 2-4/10\r\n"),
                    HasSubstr("\r\nContent-Length: 3\r\n"), HasSubstr("\r\nETag: \"")));
  EXPECT_EQ(Body(world.Ask("/a.txt", "Range: bytes=7-\r\n")), "789");
  EXPECT_EQ(Body(world.Ask("/a.txt", "Range: bytes=-2\r\n")), "89");
  EXPECT_THAT(world.Ask("/a.txt", "Range: bytes=10-\r\n"),
              AllOf(StartsWith("HTTP/1.1 416 "), HasSubstr("\r\nContent-Range: bytes */10\r\n")));
  for (const char* ignored : {"bytes=0-1,3-4", "bytes=4-2", "lines=1-2"}) {
    EXPECT_THAT(world.Ask("/a.txt", absl::StrCat("Range: ", ignored, "\r\n")),
                AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("0123456789")));
  }
  const std::string tag = FieldOf(world.Ask("/a.txt"), "ETag");
  const std::string range = "Range: bytes=1-1\r\nIf-Range: ";
  EXPECT_THAT(world.Ask("/a.txt", absl::StrCat(range, tag, "\r\n")), StartsWith("HTTP/1.1 206 "));
  EXPECT_THAT(world.Ask("/a.txt", absl::StrCat(range, "\"other\"\r\n")),
              StartsWith("HTTP/1.1 200 "));
  // What a condition decides comes first.
  EXPECT_THAT(world.Ask("/a.txt", absl::StrCat("Range: bytes=1-1\r\nIf-None-Match: ", tag, "\r\n")),
              StartsWith("HTTP/1.1 304 "));
  const std::string large = Body(world.Ask("/large.bin", "Range: bytes=1000-201000\r\n"));
  EXPECT_TRUE(large == Numbers(300'000).substr(1000, 200'001));
}

TEST(StaticFilesTest, ThePrefixIsNotPartOfTheName) {
  FilesWorld world({.prefix = "/static/"});
  EXPECT_EQ(Body(world.Ask("/static/a.txt")), "0123456789");
  EXPECT_EQ(Body(world.Ask("/static/")), "<p>root");
  EXPECT_THAT(world.Ask("/static/dir"), HasSubstr("\r\nLocation: /static/dir/\r\n"));
  EXPECT_THAT(world.Ask("/a.txt"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(world.Ask("/static"), StartsWith("HTTP/1.1 404 "));
}

// ---- Large files

TEST(StaticFilesTest, ALargeFileGoesOutWholeAndTheConnectionGoesOn) {
  FilesWorld world;
  const auto client = world.Connect();
  client->Send(Get("/large.bin") + Get("/a.txt"));
  world.Run(absl::Milliseconds(20));
  const std::string received = client->TakeReceived();
  const std::string large = Numbers(300'000);
  const size_t body = received.find("\r\n\r\n") + 4;
  EXPECT_TRUE(std::string_view(received).substr(body, large.size()) == large);
  EXPECT_THAT(received.substr(body + large.size()),
              AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("0123456789")));
}

TEST(StaticFilesTest, ASlowReaderCostsNoMoreThanAQuickOne) {
  FilesWorld world({}, Plain(absl::Microseconds(100), /*window_bytes=*/4096));
  const auto client = world.Connect();
  client->PauseReading();
  client->Send(Get("/large.bin"));
  world.Run(absl::Seconds(1));
  EXPECT_LT(world.Report(1).description.bytes_held, 1024u);
  EXPECT_EQ(world.Report(1).description.state, "answering");
  for (int i = 0; i < 400; ++i) {
    client->ResumeReading();
    world.Run(absl::Microseconds(300));
    client->PauseReading();
  }
  client->ResumeReading();
  world.Run(absl::Milliseconds(100));
  EXPECT_TRUE(Body(client->received()) == Numbers(300'000));
}

TEST(StaticFilesTest, AReaderThatStopsIsLetGo) {
  FilesWorld world({}, Plain(absl::Microseconds(100), /*window_bytes=*/4096));
  const auto client = world.Connect();
  client->PauseReading();
  client->Send(Get("/large.bin"));
  world.Run(ServerOptions().write_window * 0.9);
  EXPECT_EQ(world.Report(1).description.state, "answering");
  world.Run(ServerOptions().write_window * 1.5);
  EXPECT_EQ(world.connections(), 0u);
}

TEST(StaticFilesTest, AFileThatShrinksWhileItIsSentEndsTheConnection) {
  FilesWorld world({}, Plain(absl::Microseconds(100), /*window_bytes=*/4096));
  const auto client = world.Connect();
  client->PauseReading();
  client->Send(Get("/large.bin") + Get("/a.txt"));
  world.Run();
  world.disk.Truncate("/srv/www/large.bin", 10'000);
  client->ResumeReading();
  world.Run(absl::Milliseconds(100));
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(Body(client->received()) == Numbers(10'000));
  EXPECT_EQ(world.Count("responses_failed"), 1);
}

TEST(StaticFilesTest, AFileReplacedWhileItIsSentIsSentAsItWas) {
  FilesWorld world({}, Plain(absl::Microseconds(100), /*window_bytes=*/4096));
  const auto client = world.Connect();
  client->PauseReading();
  client->Send(Get("/large.bin"));
  world.Run();
  world.disk.Write("/srv/www/large.bin", "new");
  client->ResumeReading();
  world.Run(absl::Milliseconds(100));
  EXPECT_TRUE(Body(client->received()) == Numbers(300'000));
}

TEST(StaticFilesTest, ADrainLetsAFileBeSentToTheEnd) {
  FilesWorld world({}, Plain(absl::Microseconds(100), /*window_bytes=*/4096));
  const auto client = world.Connect();
  client->Send(Get("/large.bin"));
  world.Run();
  world.loop->Drain(world.world.now() + absl::Seconds(30));
  world.FinishDrain();
  EXPECT_TRUE(Body(client->received()) == Numbers(300'000));
  EXPECT_THAT(world.log.lines, IsEmpty());
}

TEST(StaticFilesTest, ASmallFileIsOneWrite) {
  FilesWorld world;
  const auto client = world.Connect();
  world.Exchange(*client, Get("/a.txt"));
  const int writes = world.host.writes;
  world.Exchange(*client, Get("/a.txt"));
  EXPECT_EQ(world.host.writes, writes + 1);
}

TEST(StaticFilesTest, AHostileNetworkCorruptsNothing) {
  const std::string large = Numbers(8'000);
  int complete = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    FilesWorld world({.read_bytes_max = 500}, SimOptions::Hostile(seed));
    world.disk.Write("/srv/www/large.bin", large, kModified);
    const auto client = world.world.Connect(world.address);
    client->Send("GET /large.bin HTTP/1.0\r\n\r\n");
    const Time give_up = world.world.now() + absl::Minutes(5);
    while (world.world.now() < give_up && !client->ended() && !client->was_reset()) {
      ASSERT_TRUE(world.loop->RunOnce(give_up).ok()) << "seed " << seed;
    }
    const std::string body = Body(client->received());
    if (client->received().starts_with("HTTP/1.1 200 ")) {
      EXPECT_TRUE(large.starts_with(body)) << "seed " << seed;
    }
    if (!client->cut_short()) {
      EXPECT_EQ(body.size(), large.size()) << "seed " << seed;
      ++complete;
    }
  }
  EXPECT_GT(complete, 30);
}

// ---- As one route of several

TEST(StaticFilesTest, BelowARouter) {
  SimWorld world;
  SimBackend& host = world.AddHost("server");
  host.file_system().Write("/srv/www/a.txt", "0123456789", kModified);
  host.file_system().Write("/srv/www/dir/index.html", "<p>dir", kModified);
  LoopBuilder<Compose<Server<Router>>> builder({}, host);
  auto files = StaticFiles::Open(builder.io(), {.root = "/srv/www", .prefix = "/static/"});
  ASSERT_TRUE(files.ok()) << files.status();
  Router router;
  router.Get("/static/{path...}", *std::move(files));
  router.Get("/hello", [](const Request&) { return Response::Text("hello"); });
  ServerOptions options;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 80)};
  ASSERT_TRUE(http::Mount(builder, "http", options, std::move(router)).ok());
  auto loop = std::move(builder).Build();
  const auto Ask = [&](std::string_view line) {
    const auto client = world.Connect(options.addresses[0]);
    client->Send(absl::StrCat(AsAbsl(line), " HTTP/1.0\r\n\r\n"));
    while (!client->ended()) EXPECT_TRUE(loop.RunOnce(world.now() + absl::Seconds(1)).ok());
    return client->received();
  };
  EXPECT_EQ(Body(Ask("GET /static/a.txt")), "0123456789");
  EXPECT_EQ(Body(Ask("GET /static/dir/")), "<p>dir");
  EXPECT_EQ(Body(Ask("GET /hello")), "hello");
  EXPECT_THAT(Ask("GET /static/dir"), HasSubstr("\r\nLocation: /static/dir/\r\n"));
  EXPECT_THAT(Ask("HEAD /static/a.txt"), HasSubstr("\r\nContent-Length: 10\r\n"));
  EXPECT_THAT(Ask("POST /static/a.txt"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Ask("GET /static/../srv"), StartsWith("HTTP/1.1 400 "));
}

// ---- Options

TEST(StaticFilesTest, OptionsOutOfRangeAreSaid) {
  SimWorld world;
  SimBackend& host = world.AddHost("server");
  host.file_system().MakeDirectory("/srv/www");
  const auto Code = [&](StaticFilesOptions options) {
    if (options.root.empty()) options.root = "/srv/www";
    return StaticFiles::Open(host.io(), options).status().code();
  };
  EXPECT_EQ(Code({}), absl::StatusCode::kOk);
  EXPECT_EQ(Code({.root = "/nothing"}), absl::StatusCode::kNotFound);
  EXPECT_EQ(Code({.prefix = "static/"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code({.prefix = "/static"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code({.index = "a/b"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code({.index = ".."}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code({.index = std::string(256, 'i')}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code({.cache_control = "a\r\nb"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Code({.read_bytes_max = 2 << 20}), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rotor::http
