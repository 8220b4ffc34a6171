// Rows of request_cases.h: requests that are served, and what is not served behind them.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASES_SERVED_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASES_SERVED_H_

#include "protocols/http/codec/request_case.h"

namespace rotor::http {

// clang-format off
inline constexpr RequestCase kServedCases[] = {
  // What must work.
  {"Smallest",
   "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 open"},
  {"EmptyLineBeforeIsIgnored",
   "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 open"},
  {"ValuesAreTrimmedAndMayBeEmpty",
   "GET / HTTP/1.1\r\nHost:h\r\nA: \tb c\t \r\nB:\r\nC: \t\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|A=b c|B=|C=|\n", "", "200 open"},
  {"NamesAndOrderAreKept",
   "GET / HTTP/1.1\r\nHost: h\r\nx-B: 1\r\nX-a: 2\r\nX-B: 3\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|x-B=1|X-a=2|X-B=3|\n", "", "200 open"},
  {"HighBytesInValuesAreOpaque",
   "GET / HTTP/1.1\r\nHost: h\r\nA: \xc3\xa9\xff\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|A=\xc3\xa9\xff|\n", "", "200 open"},
  {"EveryTokenByteInAName",
   "GET / HTTP/1.1\r\nHost: h\r\n!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|!#$%&'*+-.^_`|~09azAZ=1|\n", "", "200 open"},
  {"PathAndQuery",
   "GET /a/b%2f;c?d=e?&f[]=/ HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET /a/b%2f;c?d=e?&f[]=/ 1.1 host=h path=/a/b%2f;c query=d=e?&f[]=/ keep none |Host=h|\n", "",
   "200 open"},
  {"EmptyQuery",
   "GET /? HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET /? 1.1 host=h path=/ keep none |Host=h|\n", "", "200 open"},
  {"AbsoluteFormOverridesHost",
   "GET http://h:80/a?b HTTP/1.1\r\nHost: other\r\n\r\n",
   "GET http://h:80/a?b 1.1 host=h:80 path=/a query=b keep none |Host=other|\n", "", "200 open"},
  {"AbsoluteFormWithoutPath",
   "GET HTTPS://h?b HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET HTTPS://h?b 1.1 host=h path=/ query=b keep none |Host=h|\n", "", "200 open"},
  {"AsteriskForm",
   "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
   "OPTIONS * 1.1 host=h path=* keep none |Host=h|\n", "", "200 open"},
  {"AsteriskInAbsoluteForm",
   "OPTIONS http://h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
   "OPTIONS http://h:1 1.1 host=h:1 path=* keep none |Host=h|\n", "", "200 open"},
  {"AuthorityForm",
   "CONNECT [::1]:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
   "CONNECT [::1]:443 1.1 host=[::1]:443 path= keep none |Host=h:443|\n", "", "405 close"},
  {"ConnectWithoutContent",
   "CONNECT h:1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
   "CONNECT h:1 1.1 host=h:1 path= keep none |Host=h|Content-Length=0|\n", "", "405 close"},
  {"MethodOfWebDav",
   "M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n",
   "M-SEARCH / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 open"},
  {"OldVersion",
   "GET / HTTP/1.0\r\n\r\n",
   "GET / 1.0 host= path=/ close none |\n", "", "200 close"},
  {"OldVersionKeptAlive",
   "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
   "GET / 1.0 host= path=/ keep none |Connection=Keep-Alive|\n", "", "200 open"},
  {"OldVersionCloseWins",
   "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
   "GET / 1.0 host= path=/ close none |Connection=keep-alive, close|\n", "", "200 close"},
  {"LaterMinorVersion",
   "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 open"},
  {"HostWithPort",
   "GET / HTTP/1.1\r\nHost: a-b.c_d%41:65535\r\n\r\n",
   "GET / 1.1 host=a-b.c_d%41:65535 path=/ keep none |Host=a-b.c_d%41:65535|\n", "", "200 open"},
  {"HostWithEmptyPort",
   "GET / HTTP/1.1\r\nHost: h:\r\n\r\n",
   "GET / 1.1 host=h: path=/ keep none |Host=h:|\n", "", "200 open"},
  {"HostIsAddress",
   "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n",
   "GET / 1.1 host=[2001:db8::1]:8080 path=/ keep none |Host=[2001:db8::1]:8080|\n", "",
   "200 open"},
  {"EmptyHost",
   "GET / HTTP/1.1\r\nHost:\r\n\r\n",
   "GET / 1.1 host= path=/ keep none |Host=|\n", "", "200 open"},
  {"ConnectionClose",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n",
   "GET / 1.1 host=h path=/ close none |Host=h|Connection=Close|\n", "", "200 close"},
  {"ConnectionCloseAfterEmptyElement",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: , close\r\n\r\n",
   "GET / 1.1 host=h path=/ close none |Host=h|Connection=, close|\n", "", "200 close"},
  {"ConnectionCloseAfterPrefixOfIt",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: clo,close\r\n\r\n",
   "GET / 1.1 host=h path=/ close none |Host=h|Connection=clo,close|\n", "", "200 close"},
  {"ConnectionCloseBeforeTab",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\t,x\r\n\r\n",
   "GET / 1.1 host=h path=/ close none |Host=h|Connection=close\t,x|\n", "", "200 close"},
  {"ConnectionCloseBeatsKeepAlive",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, keep-alive\r\n\r\n",
   "GET / 1.1 host=h path=/ close none |Host=h|Connection=close, keep-alive|\n", "", "200 close"},
  {"ConnectionCloseInSecondLine",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: x\r\nConnection: close\r\n\r\n",
   "GET / 1.1 host=h path=/ close none |Host=h|Connection=x|Connection=close|\n", "", "200 close"},
  {"ConnectionOptionLooksLikeClose",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: closed, close-x\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|Connection=closed, close-x|\n", "", "200 open"},
  {"ProxyConnectionIsIgnored",
   "GET / HTTP/1.1\r\nHost: h\r\nProxy-Connection: close\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|Proxy-Connection=close|\n", "", "200 open"},
  {"NamesThatBeginLikeDecidingOnes",
   "GET / HTTP/1.1\r\nHost: h\r\nTransfer-EncodingX: chunked\r\nContent-LengthX: 5\r\n"
   "Connection-X: close\r\nUpgrade-X: y\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|Transfer-EncodingX=chunked|Content-LengthX=5|"
   "Connection-X=close|Upgrade-X=y|\n", "", "200 open"},
  {"Upgrade",
   "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n",
   "GET / 1.1 host=h path=/ keep upgrade none |Host=h|Upgrade=websocket|"
   "Connection=keep-alive, Upgrade|\n", "", "200 open"},
  {"UpgradeWithoutOption",
   "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|Upgrade=websocket|\n", "", "200 open"},
  {"UpgradeInOldVersion",
   "GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
   "GET / 1.0 host= path=/ close none |Upgrade=x|Connection=upgrade|\n", "", "200 close"},
  {"UpgradeWithBody",
   "POST / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 3\r\n\r\n"
   "abcGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "POST / 1.1 host=h path=/ keep upgrade sized=3 |Host=h|Upgrade=x|Connection=upgrade|"
   "Content-Length=3|\nbody=abc\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 200 open"},
  {"ExpectContinue",
   "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
   "PUT / 1.1 host=h path=/ keep expect sized=1 |Host=h|Expect=100-Continue|Content-Length=1|"
   "\nbody=x\n", "", "100? 200 open"},
  {"ExpectWithoutBody",
   "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|Expect=100-continue|\n", "", "200 open"},
  {"ExpectInOldVersion",
   "PUT / HTTP/1.0\r\nExpect: anything\r\nContent-Length: 1\r\n\r\nx",
   "PUT / 1.0 host= path=/ close sized=1 |Expect=anything|Content-Length=1|\nbody=x\n", "",
   "200 close"},
  {"HeadThenGet",
   "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "HEAD /a 1.1 host=h path=/a keep none |Host=h|\nGET / 1.1 host=h path=/ keep none |Host=h|\n",
   "", "200 200 open"},
  {"KnownMethods",
   "PUT / HTTP/1.1\r\nHost: h\r\n\r\nDELETE / HTTP/1.1\r\nHost: h\r\n\r\nOPTIONS / HTTP/1.1\r\n"
   "Host: h\r\n\r\nTRACE / HTTP/1.1\r\nHost: h\r\n\r\nPATCH / HTTP/1.1\r\nHost: h\r\n\r\n",
   "PUT / 1.1 host=h path=/ keep none |Host=h|\nDELETE / 1.1 host=h path=/ keep none |Host=h|"
   "\nOPTIONS / 1.1 host=h path=/ keep none |Host=h|\nTRACE / 1.1 host=h path=/ keep none |Host=h|"
   "\nPATCH / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 200 200 200 200 open"},
  {"ConnectionNamesEndToEndFields",
   "POST / HTTP/1.1\r\nHost: h\r\nConnection: host, content-length\r\nContent-Length: 2\r\n\r\n"
   "abGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "POST / 1.1 host=h path=/ keep sized=2 |Host=h|Connection=host, content-length|Content-Length=2|"
   "\nbody=ab\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 200 open"},
  {"KeepAliveInNewVersion",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|Connection=keep-alive|"
   "\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 200 open"},
  {"UpgradeToHttp2IsIgnored",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
   "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.1 host=h path=/ keep upgrade none |Host=h|Connection=Upgrade, HTTP2-Settings|"
   "Upgrade=h2c|HTTP2-Settings=AAMAAABkAAQAAP__|\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "",
   "200 200 open"},

  // Bodies, and what follows them.
  {"SizedBody",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
   "POST / 1.1 host=h path=/ keep sized=5 |Host=h|Content-Length=5|\nbody=hello\n", "", "200 open"},
  {"SizedBodyOfAnyBytes",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
   "POST / 1.1 host=h path=/ keep sized=4 |Host=h|Content-Length=4|\nbody=\r\n\r\n\n", "",
   "200 open"},
  {"ContentLengthBeforeTab",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 05\t\r\n\r\nhello",
   "POST / 1.1 host=h path=/ keep sized=5 |Host=h|Content-Length=05|\nbody=hello\n", "",
   "200 open"},
  {"ContentLengthZero",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
   "POST / 1.1 host=h path=/ keep none |Host=h|Content-Length=0|\n", "", "200 open"},
  {"ContentLengthLargest",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\nx",
   "",
   "POST / 1.1 host=h path=/ keep sized=9223372036854775807 |Host=h|"
   "Content-Length=9223372036854775807|\nbody=xincomplete", "413 close"},
  {"SizedBodyIncomplete",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell",
   "", "POST / 1.1 host=h path=/ keep sized=5 |Host=h|Content-Length=5|\nbody=hellincomplete",
   "open 400"},
  {"ChunkedBody",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n"
   "0\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|\nbody=hello world\n",
   "", "200 open"},
  {"ChunkedBodyAnyCase",
   "POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: CHUNKED \r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|transfer-encoding=CHUNKED|\nbody=0123456789\n",
   "", "200 open"},
  {"ChunkedBodyEmpty",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n"
   "Host: h\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|"
   "\nbody=\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 200 open"},
  {"ChunkSizeWithLeadingZeros",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000001\r\nx\r\n"
   "000\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|\nbody=x\n", "",
   "200 open"},
  {"ChunkExtensions",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n"
   "1 ;\tb = c;d=\"e\\\"\t;\\\\\";f\r\ny\r\n0;g\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|\nbody=xy\n", "",
   "200 open"},
  {"ChunkLargest",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nx",
   "", "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|\nbody=xincomplete",
   "open 400"},
  {"Trailers",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC:\r\n"
   "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|\nbody=x trailers |A=b|"
   "C=|\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 200 open"},
  {"TrailersThatDecideFramingAreDropped",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
   "Content-Length: 7\r\nConnection: close\r\nTransfer-Encoding: x\r\nA: b\r\nHost: g\r\n"
   "Authorization: c\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|\nbody=x trailers |A=b|"
   "\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "", "200 200 open"},
  {"TrailersIncomplete",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n",
   "", "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|\nbody=incomplete",
   "open 400"},
  {"Pipelined",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab\r\nPOST / HTTP/1.1\r\nHost: h\r\n"
   "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
   "GET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
   "POST / 1.1 host=h path=/ keep sized=2 |Host=h|Content-Length=2|"
   "\nbody=ab\nPOST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|"
   "\nbody=c\nGET / 1.1 host=h path=/ keep none |Host=h|\nGET /2 1.1 host=h path=/2 close none |"
   "Host=h|Connection=close|\n", "", "200 200 200 200 close"},
  {"BodyOfGet",
   "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.1 host=h path=/ keep sized=2 |Host=h|Content-Length=2|"
   "\nbody=ab\nGET /2 1.1 host=h path=/2 keep none |Host=h|\n", "", "200 200 open"},
  {"BodyOfHead",
   "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "HEAD / 1.1 host=h path=/ keep sized=2 |Host=h|Content-Length=2|"
   "\nbody=ab\nGET /2 1.1 host=h path=/2 keep none |Host=h|\n", "", "200 200 open"},
  {"BodyThatLooksLikeARequest",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 27\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
   "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "POST / 1.1 host=h path=/ keep sized=27 |Host=h|Content-Length=27|\nbody=GET / HTTP/1.1\r\n"
   "Host: h\r\n\r\n\nGET /2 1.1 host=h path=/2 keep none |Host=h|\n", "", "200 200 open"},
  {"NoLengthMeansNoBody",
   "POST / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
   "POST / 1.1 host=h path=/ keep none |Host=h|\nGET / 1.1 host=h path=/ keep none |Host=h|\n", "",
   "200 200 open"},
  {"BodyWithoutLengthIsTheNextRequest",
   "POST / HTTP/1.1\r\nHost: h\r\n\r\nhello\r\n",
   "POST / 1.1 host=h path=/ keep none |Host=h|\n", "400 the method is not a token",
   "200 400 close"},
  {"UnderscoreMakesAnotherField",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n",
   "POST / 1.1 host=h path=/ keep none |Host=h|Transfer_Encoding=chunked|\n",
   "400 the method is not a token", "200 400 close"},
  {"BodyOfLimit",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n"
   "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
   "56789",
   "POST / 1.1 host=h path=/ keep sized=100 |Host=h|Content-Length=100|"
   "\nbody=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
   "890123456789\n", "", "200 open"},
  {"BodyAboveLimit",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n",
   "", "POST / 1.1 host=h path=/ keep sized=101 |Host=h|Content-Length=101|\nbody=incomplete",
   "413 close"},
  {"ChunkedBodyOfLimit",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n"
   "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
   "56789\r\n0\r\n\r\n",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|"
   "\nbody=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
   "890123456789\n", "", "200 open"},
  {"ChunkedBodyAboveLimit",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n"
   "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
   "56789\r\n1\r\nx",
   "",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|"
   "\nbody=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
   "890123456789xincomplete", "413 close"},
  {"ExpectThenWait",
   "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
   "",
   "PUT / 1.1 host=h path=/ keep expect sized=5 |Host=h|Expect=100-continue|Content-Length=5|"
   "\nbody=incomplete", "100 open 400"},
  {"ExpectThenWaitChunked",
   "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
   "",
   "PUT / 1.1 host=h path=/ keep expect chunked |Host=h|Expect=100-continue|"
   "Transfer-Encoding=chunked|\nbody=incomplete", "100 open 400"},
  {"ExpectAboveLimit",
   "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n",
   "",
   "PUT / 1.1 host=h path=/ keep expect sized=500 |Host=h|Expect=100-continue|Content-Length=500|"
   "\nbody=incomplete", "413 close"},
  {"Nothing", "", "", "", "open"},
  {"HeadIncomplete", "GET / HT", "", "incomplete", "open 400"},
  {"EmptyLineBehindTheLastBody",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx\r\n",
   "POST / 1.1 host=h path=/ keep sized=1 |Host=h|Content-Length=1|\nbody=x\n", "incomplete",
   "200 open"},
  {"EmptyLineAlone", "\r\n", "", "incomplete", "open"},
  {"FieldIncomplete",
   "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|\n", "incomplete", "200 open 400"},

  // What follows a request that ends the connection is not served: RFC 9112 section 9.3, 9.6.
  {"NothingBehindClose",
   "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.1 host=h path=/ close none |Host=h|Connection=close|\n", "", "200 close"},
  {"NothingBehindCloseWithBody",
   "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"
   "xGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "POST / 1.1 host=h path=/ close sized=1 |Host=h|Connection=close|Content-Length=1|\nbody=x\n",
   "", "200 close"},
  {"NothingBehindOldVersion",
   "GET / HTTP/1.0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.0 host= path=/ close none |\n", "", "200 close"},
  {"NextBehindOldVersionKeptAlive",
   "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "GET / 1.0 host= path=/ keep none |Connection=keep-alive|\nGET /2 1.1 host=h path=/2 keep none |"
   "Host=h|\n", "", "200 200 open"},
  {"NothingBehindAnError",
   "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost : h\r\n\r\nGET /2 HTTP/1.1\r\n"
   "Host: h\r\n\r\n",
   "GET / 1.1 host=h path=/ keep none |Host=h|\n",
   "400 whitespace before the colon of a field line", "200 400 close"},
  {"NothingBehindAnUnknownMethod",
   "BREW / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "", "501 the method is not known here", "501 close"},
  {"NothingBehindAnUnknownCoding",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"
   "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "", "501 a transfer coding other than chunked", "501 close"},
  {"NothingBehindAnUnknownExpectation",
   "POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "", "417 an expectation other than 100-continue", "417 close"},
  {"NothingBehindABrokenChunk",
   "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n"
   "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "",
   "POST / 1.1 host=h path=/ keep chunked |Host=h|Transfer-Encoding=chunked|"
   "\nbody=x 400 chunk data is not followed by CR LF", "400 close"},
  {"NothingBehindLengthAndCoding",
   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
   "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "", "400 both Content-Length and Transfer-Encoding", "400 close"},
  {"NothingBehindConnect",
   "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
   "CONNECT h:1 1.1 host=h:1 path= keep none |Host=h:1|\n",
   "GET /2 1.1 host=h path=/2 keep none |Host=h|\n", "405 close"},
};
// clang-format on

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASES_SERVED_H_
