// Servers that lie, break and vanish; in virtual time.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/resolver/resolver_test_util.h"

namespace rotor::dns {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::StartsWith;

const resolve::FindOptions kV4 = {.family = resolve::Family::kIpv4};
constexpr char kTrue[] = "192.0.2.1";
constexpr char kForged[] = "203.0.113.66";

Reply TrueReply(uint32_t ttl = 0) { return {.answer = {Address("host.test", ttl, kTrue)}}; }

// The true answer, `delay` after each query.
void AnswerLate(ResolverWorld& w, absl::Duration delay, size_t server = 0) {
  w.server(server).udp = [&w, delay, server](const SimDatagram& query) {
    w.world.After(delay, [&w, query, server] { w.server(server).Send(query, TrueReply()); });
  };
}

// ---- Forgery (RFC 5452 section 9.1)

// `forge` turns the message that would be believed into one that must not be.
void ExpectIgnored(const std::function<void(std::string& message)>& forge) {
  ResolverWorld w;
  w.server().udp = [&](const SimDatagram& query) {
    std::string forged = MakeReply(query.bytes, {.answer = {Address("host.test", 60, kForged)}});
    forge(forged);
    w.server().socket->SendTo(forged, query.from);
    w.world.After(absl::Milliseconds(5), [&w, query] { w.server().Send(query, TrueReply()); });
  };
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  EXPECT_THAT(w.server().questions, SizeIs(1));  // The query lived on.
  EXPECT_EQ(w.Count("answers_ignored"), 1);
}

TEST(ResolverHostileTest, AWrongIdIsIgnored) {
  ExpectIgnored([](std::string& message) { message[0] = static_cast<char>(message[0] ^ 1); });
}
TEST(ResolverHostileTest, AQueryIsNoAnswer) {
  ExpectIgnored([](std::string& message) { message[2] = static_cast<char>(message[2] & 0x7f); });
}
TEST(ResolverHostileTest, AnotherOpcodeIsIgnored) {
  ExpectIgnored([](std::string& message) { message[2] = static_cast<char>(message[2] | 0x28); });
}
TEST(ResolverHostileTest, AnotherNameIsIgnored) {
  ExpectIgnored([](std::string& message) { message[13] = 'x'; });
}
TEST(ResolverHostileTest, AnotherCaseIsIgnored) {
  ExpectIgnored([](std::string& message) { message[13] = static_cast<char>(message[13] ^ 0x20); });
}
TEST(ResolverHostileTest, AnotherTypeIsIgnored) {
  ExpectIgnored([](std::string& message) { message[12 + 11 + 1] = 28; });
}
TEST(ResolverHostileTest, AnotherClassIsIgnored) {
  ExpectIgnored([](std::string& message) { message[12 + 11 + 3] = 3; });
}
TEST(ResolverHostileTest, NoQuestionIsIgnored) {
  ExpectIgnored([](std::string& message) {
    message.resize(12);
    for (int i = 4; i < 12; ++i) message[i] = 0;
  });
}
TEST(ResolverHostileTest, LessThanAHeaderIsIgnored) {
  ExpectIgnored([](std::string& message) { message.resize(11); });
}
TEST(ResolverHostileTest, AnEmptyDatagramIsIgnored) {
  ExpectIgnored([](std::string& message) { message.clear(); });
}

TEST(ResolverHostileTest, AnotherAddressIsIgnored) {
  ResolverWorld w;
  const auto attacker = w.world.BindDatagram(SocketAddress::Ip("127.0.0.1", 666).value());
  w.server().udp = [&](const SimDatagram& query) {
    attacker->SendTo(MakeReply(query.bytes, {.answer = {Address("host.test", 60, kForged)}}),
                     query.from);
    w.world.After(absl::Milliseconds(5), [&w, query] { w.server().Send(query, TrueReply()); });
  };
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
}

TEST(ResolverHostileTest, AnAnswerThatComesTooLateIsIgnored) {
  ResolverWorld w({.resolv_conf_extra = "options timeout:1 attempts:2\n"});
  w.server().udp = [&](const SimDatagram& query) {
    // The answer to the first query comes during the second.
    const bool first = w.server().questions.size() == 1;
    w.world.After(absl::Milliseconds(first ? 1500 : 800), [&w, query, first] {
      w.server().Send(query, {.answer = {Address("host.test", 60, first ? kForged : kTrue)}});
    });
  };
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  EXPECT_THAT(w.server().questions, SizeIs(2));
  w.Run(absl::Seconds(5));
  EXPECT_EQ(w.Leftovers(), "");
}

TEST(ResolverHostileTest, ASecondAnswerChangesNothing) {
  ResolverWorld w;
  // Another query keeps the socket open.
  resolve::Lookup open;
  w.Do([&](Scope& scope) { open = w.resolver->Find("open.test", {}, scope); });
  w.server().udp = [&](const SimDatagram& query) {
    w.server().Send(query, TrueReply(60));
    w.server().Send(query, {.answer = {Address("host.test", 60, kForged)}});
  };
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  w.Run();
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  EXPECT_GE(w.Count("answers_ignored"), 1);
}

TEST(ResolverHostileTest, AServerThatChangesTheCaseIsAskedOverTcp) {
  ResolverWorld w({.resolv_conf_extra = "options timeout:1\n"});
  w.server().udp = [&](const SimDatagram& query) {
    std::string message = MakeReply(query.bytes, TrueReply());
    for (size_t i = 12; i < 12 + 10; ++i) message[i] = FoldCase(message[i]);
    w.server().socket->SendTo(message, query.from);
  };
  w.server().AlwaysTcp(TrueReply());
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  EXPECT_EQ(w.server().connections, 1);
}

TEST(ResolverHostileTest, AFloodOfGuessesMovesTheQueriesToTcp) {
  ResolverWorld w;
  w.server().udp = [&](const SimDatagram& query) {
    for (int i = 0; i < 100; ++i) {
      std::string forged = MakeReply(query.bytes, {.answer = {Address("host.test", 60, kForged)}});
      forged[0] = static_cast<char>(forged[0] ^ (i + 1));
      w.server().socket->SendTo(forged, query.from);
    }
  };
  w.server().AlwaysTcp(TrueReply());
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  EXPECT_THAT(w.server().questions, SizeIs(1));
}

TEST(ResolverHostileTest, RecordsBesideTheQuestionAreNotBelieved) {
  ResolverWorld w;
  w.server().Always({.answer = {Address("host.test", 60, kTrue), Address("bank.test", 60, kForged)},
                     .authority = {Address("shop.test", 60, kForged)}});
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  w.server().Always({.code = ResponseCode::kNameError, .authority = {Soa("test", 60, 60)}});
  EXPECT_THAT(w.FindText("bank.test", kV4), StartsWith("NOT_FOUND"));
  EXPECT_THAT(w.FindText("shop.test", kV4), StartsWith("NOT_FOUND"));
}

TEST(ResolverHostileTest, AnSoaFromElsewhereSaysNothing) {
  ResolverWorld w;
  w.server().Always(
      {.code = ResponseCode::kNameError, .authority = {Soa("elsewhere.test", 9999, 9999)}});
  w.Ask("host.test.", RecordType::kA).IgnoreError();
  w.Ask("host.test.", RecordType::kA).IgnoreError();
  EXPECT_THAT(w.server().questions, SizeIs(2));
}

// ---- Servers in trouble

TEST(ResolverHostileTest, AMalformedAnswerMovesToTheNextServer) {
  ResolverWorld w({.servers = 2});
  w.server(0).udp = [&](const SimDatagram& query) {
    std::string message = MakeReply(query.bytes, TrueReply());
    message.resize(message.size() - 2);
    w.server(0).socket->SendTo(message, query.from);
  };
  w.server(1).Always(TrueReply());
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
  EXPECT_LT(w.world.now() - Time(), absl::Seconds(1002));
}

TEST(ResolverHostileTest, LameRefusingAndFailingServersArePassedOver) {
  for (const Reply& reply :
       {Reply{.authority = {NameServer("test", "ns.test")}}, Reply{.code = ResponseCode::kRefused},
        Reply{.code = ResponseCode::kServerFailure}, Reply{.code = ResponseCode::kNotImplemented},
        Reply{.code = ResponseCode::kFormatError}, Reply{.code = static_cast<ResponseCode>(9)}}) {
    ResolverWorld w({.servers = 3});
    w.server(0).Always(reply);
    w.server(1).Always(reply);
    w.server(2).Always(TrueReply());
    const Time before = w.world.now();
    EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
    EXPECT_LT(w.world.now() - before, absl::Milliseconds(100)) << "none of them is waited for";
    EXPECT_THAT(w.server(0).questions, SizeIs(1));
  }
}

TEST(ResolverHostileTest, AStormOfServfailsIsAnsweredWithFewQueries) {
  ResolverWorld w({.servers = 2});
  w.server(0).Always({.code = ResponseCode::kServerFailure});
  w.server(1).Always({.code = ResponseCode::kServerFailure});
  const absl::Status failed = w.Find("host.test", kV4).status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(failed.message(), AllOf(HasSubstr("host.test. A"), HasSubstr("SERVFAIL"),
                                      HasSubstr(w.server(1).address.ToString())));
  // Two rounds over two servers; then the failure is remembered.
  EXPECT_EQ(w.server(0).questions.size() + w.server(1).questions.size(), 4u);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(w.Find("host.test", kV4).ok());
  EXPECT_EQ(w.server(0).questions.size() + w.server(1).questions.size(), 4u);
  w.server(0).Always(TrueReply());
  w.Run(absl::Seconds(3));
  EXPECT_TRUE(w.Find("host.test", kV4).ok());
}

TEST(ResolverHostileTest, ADeadServerIsLeftAloneAndFoundAgain) {
  ResolverWorld w({.servers = 2, .tcp = false, .resolv_conf_extra = "options timeout:1\n"});
  w.server(1).Always(TrueReply());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(w.Find("host.test", kV4).ok());
  ASSERT_THAT(w.server(0).questions, SizeIs(2));
  const Time before = w.world.now();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(w.Find("host.test", kV4).ok());
  EXPECT_LT(w.world.now() - before, absl::Milliseconds(200));
  EXPECT_THAT(w.server(0).questions, SizeIs(2));
  // One query finds out that it is still dead, however many come.
  w.Run(absl::Seconds(6));
  std::vector<resolve::Lookup> lookups;
  w.Do([&](Scope& scope) {
    for (int i = 0; i < 20; ++i) {
      lookups.push_back(w.resolver->Find(absl::StrCat("h", i, ".test"), kV4, scope));
    }
  });
  w.Run(absl::Milliseconds(100));
  EXPECT_THAT(w.server(0).questions, SizeIs(3));
  w.Run(absl::Seconds(7));
  w.server(0).Always(TrueReply());
  w.Find("host.test", kV4).IgnoreError();
  const size_t asked = w.server(1).questions.size();
  EXPECT_TRUE(w.Find("host.test", kV4).ok());
  EXPECT_THAT(w.server(1).questions, SizeIs(asked)) << "it is the first again";
}

TEST(ResolverHostileTest, APortWithoutServerIsKnownAtOnce) {
  ResolverWorld w({.servers = 2, .tcp = false});
  w.server(0).socket = nullptr;
  w.server(1).Always(TrueReply());
  const Time before = w.world.now();
  EXPECT_TRUE(w.Find("host.test", kV4).ok());
  EXPECT_LT(w.world.now() - before, absl::Milliseconds(50));
}

TEST(ResolverHostileTest, TheWaitForAServerFollowsItsAnswers) {
  ResolverWorld w({.tcp = false, .resolv_conf_extra = "options timeout:5 attempts:2\n"});
  AnswerLate(w, absl::Milliseconds(20));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(w.Find("host.test", kV4).ok());
  w.server().udp = nullptr;
  const Time before = w.world.now();
  EXPECT_FALSE(w.Find("host.test", kV4).ok());
  // 250 ms, the least, and twice that in the second round.
  EXPECT_GE(w.world.now() - before, absl::Milliseconds(740));
  EXPECT_LT(w.world.now() - before, absl::Milliseconds(900));
}

TEST(ResolverHostileTest, RotationSpreadsTheQueries) {
  ResolverWorld w({.servers = 3, .resolv_conf_extra = "options rotate\n"});
  for (int i = 0; i < 3; ++i) w.server(i).Always(TrueReply());
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(w.Find("host.test", kV4).ok());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(w.server(i).questions, SizeIs(3));
}

// ---- EDNS (RFC 6891 section 6.2.2)

TEST(ResolverHostileTest, AServerWithoutEdnsIsAskedAgainWithoutAndRemembered) {
  for (const bool bare : {false, true}) {
    for (const ResponseCode code : {ResponseCode::kFormatError, ResponseCode::kNotImplemented}) {
      ResolverWorld w({.resolv_conf_extra = "options edns0\n"});
      w.server().udp = [&](const SimDatagram& query) {
        if (!HasEdns(query.bytes)) return w.server().Send(query, TrueReply());
        std::string message = MakeReply(query.bytes, {.code = code});
        if (bare) {
          message.resize(12);
          for (int i = 4; i < 12; ++i) message[i] = 0;
        }
        w.server().socket->SendTo(message, query.from);
      };
      EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
      EXPECT_THAT(w.server().questions, SizeIs(2));
      EXPECT_TRUE(w.Find("host.test", kV4).ok());
      EXPECT_THAT(w.server().questions, SizeIs(3));
    }
  }
}

TEST(ResolverHostileTest, BadVersionIsNoEdnsEither) {
  ResolverWorld w({.resolv_conf_extra = "options edns0\n"});
  w.server().udp = [&](const SimDatagram& query) {
    w.server().Send(query, HasEdns(query.bytes)
                               ? Reply{.code = ResponseCode::kBadVersion, .edns = true}
                               : TrueReply());
  };
  EXPECT_TRUE(w.Find("host.test", kV4).ok());
}

TEST(ResolverHostileTest, SilenceIsNoWantOfEdns) {
  ResolverWorld w({.tcp = false, .resolv_conf_extra = "options edns0 timeout:1\n"});
  EXPECT_FALSE(w.Find("host.test", kV4).ok());
  for (const std::string& query : w.server().queries) EXPECT_TRUE(HasEdns(query));
  EXPECT_THAT(w.server().queries, SizeIs(2));
}

TEST(ResolverHostileTest, EdnsIsSentOnlyIfConfigured) {
  ResolverWorld w;
  w.server().Always(TrueReply());
  EXPECT_TRUE(w.Find("host.test", kV4).ok());
  EXPECT_FALSE(HasEdns(w.server().queries[0]));
}

// ---- TCP (RFC 7766)

Reply LongReply() {
  Reply reply;
  for (int i = 0; i < 200; ++i) {
    reply.answer.push_back(
        {"text.test", 60, RecordData::Text(std::string(200, 'a' + i % 26)).value()});
  }
  return reply;
}

TEST(ResolverHostileTest, ATruncatedAnswerIsFetchedOverTcpAndTheConnectionUsedAgain) {
  ResolverWorld w;
  w.server().Always({.truncated = true});
  w.server().AlwaysTcp(LongReply());
  for (int i = 0; i < 5; ++i) {
    const auto answer = w.Ask(absl::StrCat("text.test."), RecordType::kTxt);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_THAT((*answer)->records, SizeIs(200));
    w.Run(absl::Seconds(1));
    w.server().AlwaysTcp({.answer = LongReply().answer});
  }
  EXPECT_EQ(w.server().connections, 1);
  w.Run(absl::Seconds(6));
  EXPECT_EQ(w.Leftovers(), "") << "an idle connection is closed";
}

TEST(ResolverHostileTest, UseVcAsksOverTcpOnlyAndPipelines) {
  ResolverWorld w({.resolv_conf_extra = "options use-vc\n"});
  w.server().AlwaysTcp(TrueReply());
  std::vector<RecordLookup> lookups;
  w.Do([&](Scope& scope) {
    for (int i = 0; i < 20; ++i) {
      lookups.push_back(w.resolver->Ask(absl::StrCat("h", i, ".test."), RecordType::kA, {}, scope));
    }
  });
  EXPECT_TRUE(w.RunUntil([&] { return lookups[19].done() && lookups[0].done(); }));
  EXPECT_EQ(w.server().connections, 1);
  EXPECT_THAT(w.server().questions, IsEmpty());
}

TEST(ResolverHostileTest, AnswersOverTcpMayComeInAnyOrder) {
  ResolverWorld w({.resolv_conf_extra = "options use-vc\n"});
  std::string kept;
  w.server().tcp = [&](std::string_view query) {
    const std::string reply = Framed(MakeReply(query, {.answer = {Address("h0.test", 0, kTrue)}}));
    if (kept.empty()) {
      kept = reply;
      return TcpAction();
    }
    return TcpAction{reply + Framed("") + Framed("junk") + kept};
  };
  std::vector<RecordLookup> lookups;
  w.Do([&](Scope& scope) {
    for (int i = 0; i < 2; ++i) {
      lookups.push_back(w.resolver->Ask(absl::StrCat("h", i, ".test."), RecordType::kA, {}, scope));
    }
  });
  EXPECT_TRUE(w.RunUntil([&] { return lookups[0].done() && lookups[1].done(); }, absl::Seconds(1)));
  EXPECT_TRUE(lookups[0].Take().ok());
}

// What a flapping TCP server does, one connection after another; then it serves.
TEST(ResolverHostileTest, ConnectionsThatBreakAreMadeAgain) {
  for (int way = 0; way < 4; ++way) {
    ResolverWorld w({.resolv_conf_extra = "options attempts:5\n"});
    w.server().Always({.truncated = true});
    int turns = 0;
    w.server().tcp = [&](std::string_view query) {
      const std::string reply = Framed(MakeReply(query, TrueReply()));
      if (++turns > 3) return TcpAction{reply};
      switch (way) {
        case 0:
          return TcpAction{"", true};  // Closes.
        case 1:
          return TcpAction{reply.substr(0, 1), true};  // In the length.
        case 2:
          return TcpAction{reply.substr(0, 20), true};  // In the message.
        default:
          return TcpAction{Framed("not an answer"), true};
      }
    };
    EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0")) << way;
    EXPECT_EQ(w.server().connections, 4) << way;
  }
}

TEST(ResolverHostileTest, AConnectionClosedAfterAnAnswerCostsTheNextQueryNoTry) {
  ResolverWorld w({.resolv_conf_extra = "options use-vc attempts:1\n"});
  int turns = 0;
  w.server().tcp = [&](std::string_view query) {
    // The second query on a connection gets the end instead of an answer.
    if (++turns % 2 == 0) return TcpAction{"", true};
    return TcpAction{Framed(MakeReply(query, TrueReply()))};
  };
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(w.Find("host.test", kV4).ok()) << i;
}

TEST(ResolverHostileTest, ARefusedConnectionMovesToTheNextServer) {
  ResolverWorld w({.servers = 2, .tcp = false});
  w.server(0).Always({.truncated = true});
  w.server(1).Always(TrueReply());
  EXPECT_EQ(w.FindText("host.test", kV4), absl::StrCat(kTrue, ":0"));
}

TEST(ResolverHostileTest, SilenceOverTcpIsATimeout) {
  ResolverWorld w({.resolv_conf_extra = "options use-vc attempts:2 timeout:1\n"});
  const auto found = w.Find("host.test", kV4);
  EXPECT_THAT(found.status().message(), HasSubstr("no answer in"));
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.Leftovers(), "");
}

// ---- Limits

TEST(ResolverHostileTest, ALookupEndsAtItsDeadline) {
  ResolverWorld w({.tcp = false});
  const Time before = w.world.now();
  const auto found = w.Find("host.test", {.timeout = absl::Milliseconds(300)});
  EXPECT_EQ(found.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(w.world.now() - before), 300, 2);
  w.Run();
  EXPECT_EQ(w.Leftovers(), "");
}

TEST(ResolverHostileTest, AtTheDeadlineWhatOneFamilyHasIsTheResult) {
  ResolverWorld w({.tcp = false});
  w.server().udp = [&](const SimDatagram& query) {
    if (QuestionOf(query.bytes) == "host.test. A") w.server().Send(query, TrueReply());
  };
  EXPECT_EQ(w.FindText("host.test", {.timeout = absl::Seconds(1)}), absl::StrCat(kTrue, ":0"));
}

TEST(ResolverHostileTest, LookupsBeyondTheLimitAreRefusedAtOnce) {
  WorldOptions options;
  options.resolver.lookups_max = 3;
  ResolverWorld w(options);
  std::vector<resolve::Lookup> lookups;
  w.Do([&](Scope& scope) {
    for (int i = 0; i < 4; ++i) {
      lookups.push_back(w.resolver->Find(absl::StrCat("h", i, ".test"), {}, scope));
    }
  });
  ASSERT_TRUE(lookups[3].done());
  EXPECT_EQ(lookups[3].Take().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(lookups[2].done());
  w.Do([&](Scope& scope) {
    lookups[0] = resolve::Lookup();
    lookups[0] = w.resolver->Find("again.test", {}, scope);
    EXPECT_FALSE(lookups[0].done());
  });
}

TEST(ResolverHostileTest, QueriesBeyondTheLimitWaitForTheirTurn) {
  WorldOptions options;
  options.resolver.queries_max = 4;
  ResolverWorld w(options);
  std::vector<SimDatagram> waiting;
  w.server().udp = [&](const SimDatagram& query) { waiting.push_back(query); };
  std::vector<RecordLookup> lookups;
  w.Do([&](Scope& scope) {
    for (int i = 0; i < 10; ++i) {
      lookups.push_back(w.resolver->Ask(absl::StrCat("h", i, ".test."), RecordType::kA, {}, scope));
    }
  });
  w.Run();
  EXPECT_THAT(waiting, SizeIs(4));
  while (!waiting.empty()) {
    const SimDatagram query = waiting.front();
    waiting.erase(waiting.begin());
    w.server().Send(query, {.code = ResponseCode::kNameError});
    w.Run();
    EXPECT_THAT(waiting, SizeIs(Le(4u)));
  }
  for (RecordLookup& lookup : lookups) EXPECT_TRUE(lookup.done());
}

TEST(ResolverHostileTest, WithoutAFreeSocketQueriesShareOne) {
  WorldOptions options;
  options.resolver.sockets_max = 2;
  options.resolver.queries_per_socket = 1;
  ResolverWorld w(options);
  std::vector<RecordLookup> lookups;
  w.Do([&](Scope& scope) {
    for (int i = 0; i < 10; ++i) {
      lookups.push_back(w.resolver->Ask(absl::StrCat("h", i, ".test."), RecordType::kA, {}, scope));
    }
  });
  w.Run();
  EXPECT_THAT(w.server().questions, SizeIs(10));
  EXPECT_EQ(w.host.open_files(), 2u);
}

TEST(ResolverHostileTest, WithoutDescriptorsTheLookupFailsInWords) {
  WorldOptions options;
  options.sim.open_files_max = 0;
  options.tcp = false;
  ResolverWorld w(options);
  const auto found = w.Find("host.test", kV4);
  EXPECT_EQ(found.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(found.status().message(), HasSubstr("Too many open files"));
}

TEST(ResolverHostileTest, AnAnswerBeyondTheLimitIsSaidToBe) {
  WorldOptions options;
  options.resolver.answer_bytes_max = 4096;
  ResolverWorld w(options);
  w.server().Always({.truncated = true});
  w.server().AlwaysTcp(LongReply());
  const auto answer = w.Ask("text.test.", RecordType::kTxt);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(answer.status().message(), HasSubstr("answer_bytes_max is 4096"));
}

TEST(ResolverHostileTest, SubscriptionsBeyondTheLimitAreRefused) {
  WorldOptions options;
  options.resolver.subscriptions_max = 1;
  ResolverWorld w(options);
  resolve::Subscription first, second;
  w.Do([&](Scope& scope) {
    first = w.resolver->Watch("a.test", {}, scope);
    second = w.resolver->Watch("b.test", {}, scope);
  });
  EXPECT_TRUE(second.TakeChanged());
  EXPECT_EQ(second.addresses().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ResolverHostileTest, OptionsThatMakeNoSenseAreNamed) {
  for (const auto& [set, name] : std::vector<std::pair<void (*)(ResolverOptions&), const char*>>{
           {[](ResolverOptions& o) { o.config.emplace(); }, "config"},
           {[](ResolverOptions& o) { o.sockets_max = 0; }, "sockets_max"},
           {[](ResolverOptions& o) { o.sockets_max = 201; }, "sockets_max"},
           {[](ResolverOptions& o) { o.queries_per_socket = 0; }, "queries_per_socket"},
           {[](ResolverOptions& o) { o.queries_max = 0; }, "queries_max"},
           {[](ResolverOptions& o) { o.mismatches_max = 0; }, "mismatches_max"},
           {[](ResolverOptions& o) { o.datagrams_per_turn = 0; }, "datagrams_per_turn"},
           {[](ResolverOptions& o) { o.answer_bytes_max = 511; }, "answer_bytes_max"},
           {[](ResolverOptions& o) { o.udp_payload_bytes_max = 511; }, "udp_payload_bytes_max"}}) {
    ResolverOptions options;
    set(options);
    EXPECT_THAT(CheckOptions(options).message(), HasSubstr(name));
  }
}

}  // namespace
}  // namespace rotor::dns
