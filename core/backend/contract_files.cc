// The part of the contract that is about files: see contract.h and file_io.h.
#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "core/backend/contract.h"
#include "core/backend/file_io.h"

namespace rotor {

Fd FileContract::OpenRoot() {
  absl::StatusOr<Fd> root = files().OpenDirectory(host().file_root());
  EXPECT_TRUE(root.ok()) << root.status();
  return root.ok() ? *std::move(root) : Fd();
}

int FileContract::ErrorOf(std::string_view path, SymlinkPolicy policy) {
  const Opened opened = files().OpenBeneath(root_, path, policy);
  EXPECT_EQ(opened.file.is_open(), opened.error == 0) << path;
  return opened.error;
}

Fd FileContract::Open(std::string_view path) {
  Opened opened = files().OpenBeneath(root_, path, SymlinkPolicy::kBeneath);
  EXPECT_EQ(opened.error, 0) << path;
  return std::move(opened.file);
}

FileInfo FileContract::InfoOf(const Fd& file) {
  FileInfo info;
  EXPECT_EQ(files().GetInfo(file, info).error, 0);
  return info;
}

std::string FileContract::Contents(std::string_view path) {
  const Fd file = Open(path);
  std::string contents;
  std::array<char, 64> part;
  for (;;) {
    const IoResult result = files().ReadAt(file, contents.size(), part);
    EXPECT_EQ(result.error, 0) << path;
    if (result.bytes == 0) return contents;
    contents.append(part.data(), result.bytes);
  }
}

namespace {

TEST_P(FileContract, AFileIsOpenedDescribedAndRead) {
  host().WriteFile("a.txt", "hello");
  host().WriteFile("below/it/b", std::string(1000, 'b'));
  EXPECT_EQ(Contents("a.txt"), "hello");
  EXPECT_EQ(ErrorOf("a.txt", SymlinkPolicy::kNever), 0);
  EXPECT_EQ(Contents("below/it/b"), std::string(1000, 'b'));
  const FileInfo info = InfoOf(Open("below/it/b"));
  EXPECT_EQ(info.kind, FileInfo::Kind::kFile);
  EXPECT_EQ(info.bytes, 1000u);
  EXPECT_GT(info.modified, absl::FromUnixSeconds(1));
}

TEST_P(FileContract, ReadingIsByPosition) {
  host().WriteFile("a", "0123456789");
  const Fd file = Open("a");
  std::array<char, 4> part;
  for (const uint64_t offset : {uint64_t{3}, uint64_t{3}, uint64_t{0}, uint64_t{6}}) {
    EXPECT_EQ(files().ReadAt(file, offset, part).bytes, 4u);
    EXPECT_EQ(part[0], static_cast<char>('0' + offset));
  }
  EXPECT_EQ(files().ReadAt(file, 8, part).bytes, 2u);
  for (const uint64_t offset : {uint64_t{10}, uint64_t{11}, uint64_t{1} << 40}) {
    const IoResult result = files().ReadAt(file, offset, part);
    EXPECT_EQ(result.error, 0);
    EXPECT_EQ(result.bytes, 0u);
  }
}

TEST_P(FileContract, ADirectoryIsOneAndCannotBeRead) {
  host().WriteFile("below/it/b", "b");
  const Fd directory = Open("below/it");
  EXPECT_EQ(InfoOf(directory).kind, FileInfo::Kind::kDirectory);
  std::array<char, 4> part;
  EXPECT_EQ(files().ReadAt(directory, 0, part).error, EISDIR);
  // And can be opened below.
  EXPECT_EQ(files().OpenBeneath(directory, "b", SymlinkPolicy::kNever).error, 0);
}

TEST_P(FileContract, APipeIsNeitherAndDoesNotBlock) {
  host().MakePipe("pipe");
  EXPECT_EQ(InfoOf(Open("pipe")).kind, FileInfo::Kind::kOther);
}

TEST_P(FileContract, WhatIsNotThere) {
  host().WriteFile("a", "");
  EXPECT_EQ(ErrorOf("b"), ENOENT);
  EXPECT_EQ(ErrorOf("no/b"), ENOENT);
  EXPECT_EQ(ErrorOf("a/b"), ENOTDIR);
}

TEST_P(FileContract, PathsMustBePlain) {
  host().WriteFile("a/b", "");
  for (const std::string_view path :
       {"", "/", "/a", "a/", "a//b", ".", "..", "a/.", "a/..", "./a", "../a", "a/../a/b"}) {
    EXPECT_EQ(ErrorOf(path), EINVAL) << path;
  }
  EXPECT_EQ(ErrorOf(std::string_view("a\0b", 3)), EINVAL);
  EXPECT_EQ(ErrorOf("..."), ENOENT);
  EXPECT_EQ(ErrorOf("..a/.b"), ENOENT);
}

TEST_P(FileContract, LinksAreFollowedOnlyIfAskedFor) {
  host().WriteFile("dir/file", "f");
  host().MakeLink("link", "dir/file");
  host().MakeLink("dir/up", "../dir/./file");
  host().MakeLink("way", "dir");
  host().MakeLink("chain", "way/up");
  for (const char* path : {"link", "dir/up", "way/file", "chain"}) {
    EXPECT_EQ(Contents(path), "f") << path;
    EXPECT_EQ(ErrorOf(path, SymlinkPolicy::kNever), ELOOP) << path;
  }
  EXPECT_EQ(InfoOf(Open("way")).kind, FileInfo::Kind::kDirectory);
  EXPECT_EQ(ErrorOf("way", SymlinkPolicy::kNever), ELOOP);
  host().MakeLink("dir/here", "..");
  EXPECT_EQ(Contents("dir/here/dir/file"), "f");
  EXPECT_EQ(InfoOf(Open("dir/here")).kind, FileInfo::Kind::kDirectory);
}

TEST_P(FileContract, LinksDoNotLeaveTheDirectory) {
  host().WriteFile("www/a", "inside");
  host().WriteFile("secret", "outside");
  host().MakeLink("www/out", "../secret");
  host().MakeLink("www/deep/out", "../../secret");
  host().MakeLink("www/up", "..");
  host().MakeLink("www/root", "/");
  host().MakeLink("www/absolute", std::string(host().file_root()) + "/www/a");
  host().MakeLink("www/back", "../www/a");
  const Fd www = Open("www");
  for (const char* path :
       {"out", "deep/out", "up", "up/secret", "root", "root/tmp", "absolute", "back"}) {
    EXPECT_EQ(files().OpenBeneath(www, path, SymlinkPolicy::kBeneath).error, EXDEV) << path;
    EXPECT_EQ(files().OpenBeneath(www, path, SymlinkPolicy::kNever).error, ELOOP) << path;
  }
}

TEST_P(FileContract, ALinkToNothingOrToItself) {
  host().MakeLink("dangling", "nothing");
  host().MakeLink("self", "self");
  host().MakeLink("one", "two");
  host().MakeLink("two", "one");
  EXPECT_EQ(ErrorOf("dangling"), ENOENT);
  for (const char* path : {"self", "one", "two"}) EXPECT_EQ(ErrorOf(path), ELOOP) << path;
}

TEST_P(FileContract, AnOpenFileOutlivesItsName) {
  host().WriteFile("a", "old");
  const Fd file = Open("a");
  host().RemoveFile("a");
  host().WriteFile("a", "new");
  std::array<char, 8> part;
  EXPECT_EQ(files().ReadAt(file, 0, part).bytes, 3u);
  EXPECT_EQ(part[0], 'o');
  EXPECT_EQ(Contents("a"), "new");
}

TEST_P(FileContract, AFileThatShrinksEndsSooner) {
  host().WriteFile("a", "0123456789");
  const Fd file = Open("a");
  host().TruncateFile("a", 4);
  std::array<char, 8> part;
  EXPECT_EQ(files().ReadAt(file, 2, part).bytes, 2u);
  EXPECT_EQ(InfoOf(file).bytes, 4u);
}

TEST_P(FileContract, ARootThatIsNoneIsSaid) {
  host().WriteFile("a", "");
  const std::string path = std::string(host().file_root()) + "/a";
  EXPECT_FALSE(files().OpenDirectory(path).ok());
  const absl::Status status = files().OpenDirectory(path + "b").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(std::string(status.message()).find(path + "b"), std::string::npos) << status;
}

TEST_P(FileContract, AFileIsNotWatched) {
  host().WriteFile("a", "");
  EXPECT_FALSE(backend().Watch(Open("a"), WatchKind::kOther, 1).ok());
}

TEST_P(FileContract, PartsOfAFileAreSent) {
  host().WriteFile("a", "0123456789");
  const Fd file = Open("a");
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  EXPECT_EQ(files().SendFile(connection.socket, file, 2, 3).bytes, 3u);
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, 3), "234");
  EXPECT_EQ(files().SendFile(connection.socket, file, 0, 1000).bytes, 10u);
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, 10), "0123456789");
  for (const uint64_t offset : {uint64_t{10}, uint64_t{1} << 40}) {
    const IoResult at_end = files().SendFile(connection.socket, file, offset, 5);
    EXPECT_EQ(at_end.error, 0);
    EXPECT_EQ(at_end.bytes, 0u);
  }
}

TEST_P(FileContract, SendingBlocksWhenThePeerDoesNotReadAndGoesOnWhenItDoes) {
  std::string large;
  for (int i = 0; large.size() < (4 << 20); ++i) large += std::to_string(i) + ",";
  host().WriteFile("large", large);
  const Fd file = Open("large");
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, 5);
  size_t sent = 0;
  std::string received;
  bool blocked = false;
  for (int round = 0; received.size() < large.size(); ++round) {
    ASSERT_LT(round, 100'000);
    const IoResult result =
        sent < large.size() ? files().SendFile(connection.socket, file, sent, large.size() - sent)
                            : IoResult{.error = EAGAIN};
    ASSERT_TRUE(result.ok() || result.would_block()) << result.error;
    sent += result.bytes;
    if (!result.would_block()) continue;
    if (!blocked) WaitUntilQuiet();
    blocked = true;
    const std::string part = connection.peer->Receive(1 << 20);
    received += part;
    if (part.empty()) host().Progress();
  }
  EXPECT_TRUE(blocked);
  EXPECT_TRUE(received == large);
  WaitFor(5, &Readiness::writable);
}

TEST_P(FileContract, SendingToAClosedPeerIsAnErrorAndNoSignal) {
  host().WriteFile("a", std::string(1 << 20, 'a'));
  const Fd file = Open("a");
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  connection.peer->Reset();
  IoResult result;
  for (int round = 0; round < 1000 && result.error == 0; ++round) {
    result = files().SendFile(connection.socket, file, 0, 1000);
    host().Progress();
  }
  EXPECT_TRUE(result.error == ECONNRESET || result.error == EPIPE) << result.error;
  EXPECT_EQ(files().SendFile(connection.socket, file, 0, 1000).error, EPIPE);
}

}  // namespace
}  // namespace rotor
