#include "protocols/http/semantics/content_type.h"

#include <string>

#include "gtest/gtest.h"

namespace rotor::http {
namespace {

TEST(ContentTypeTest, ByTheLastExtension) {
  EXPECT_EQ(ContentTypeOf("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(ContentTypeOf("/a.txt/INDEX.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(ContentTypeOf("a.tar.gz"), "application/gzip");
  EXPECT_EQ(ContentTypeOf("a.png"), "image/png");
  EXPECT_EQ(ContentTypeOf("a.7z"), "application/x-7z-compressed");  // The first of the table.
  EXPECT_EQ(ContentTypeOf("a.zst"), "application/zstd");            // And the last.
  EXPECT_EQ(ContentTypeOf("app.webmanifest"), "application/manifest+json");
}

TEST(ContentTypeTest, OthersAreBytes) {
  for (const char* path : {"", "html", "a.", "a.nothing", "a.html/b", ".", "/", "a.htmlx",
                           "a.htm l", "a.averyveryverylongextension"}) {
    EXPECT_EQ(ContentTypeOf(path), "application/octet-stream") << path;
  }
}

TEST(ContentTypeTest, EachExtensionIsFound) {
  // Binary search finds nothing behind an entry out of order.
  for (const char* extension :
       {"aac",  "apng", "atom", "avif", "bmp",   "bz2",   "css", "csv",  "epub", "flac", "gif",
        "gz",   "htm",  "ico",  "ics",  "jpeg",  "jpg",   "js",  "json", "jxl",  "m4a",  "map",
        "md",   "mjs",  "mp3",  "mp4",  "mpeg",  "oga",   "ogg", "ogv",  "opus", "otf",  "pdf",
        "rss",  "rtf",  "svg",  "tar",  "tif",   "tiff",  "ttf", "txt",  "vtt",  "wasm", "wav",
        "weba", "webm", "webp", "woff", "woff2", "xhtml", "xml", "xz",   "zip"}) {
    EXPECT_NE(ContentTypeOf(std::string("x.") + extension), "application/octet-stream")
        << extension;
  }
}

}  // namespace
}  // namespace rotor::http
