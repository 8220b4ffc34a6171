// Exchange: a request that is not answered at once. For one that comes whole and is answered from
// memory a handler needs none of this.
//
//   handler:   RequestReceived --- reply.AnswerLater(exchange, Next) ---+
//              HeadReceived ------ BodyPlan::Progressive(exchange, ...) +
//                                                                       v
//   exchange:  BodyReceived*, RequestEnded   and any of  Wakeup, Flushed, Timeout
//              until one completes the response or answers Next::Finished()
//
// The connection owns the exchange. It is destroyed when its response is complete, when the server
// refuses the rest of the request (400, 408, 431), and when the connection goes: destroying it is
// the cancellation, and the only one. What it needs of the handler or the loop's context it gets
// when it is made; views of the request end with the call that made it.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_EXCHANGE_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "core/machine/scope.h"
#include "core/time/time.h"
#include "protocols/http/codec/field.h"

namespace rotor::http {

class Reply;

// What an exchange waits for, and until when. Wakeup() may come whatever it is.
class [[nodiscard]] Next {
 public:
  // Nothing more comes from here. Without a response the client gets 500; one that is incomplete
  // ends the connection. Not needed once the response is complete.
  static Next Finished() { return Next(Kind::kFinished, Deadline::Never(), 0); }
  // A wake-up, or `deadline`. No body is read meanwhile: the client is held back.
  static Next WaitUntil(Deadline deadline) { return Next(Kind::kWait, deadline, 0); }
  // The next piece of a progressive body, or its end; `100 Continue` is sent if the client waits
  // for it. While as much as StreamOptions::output_pause_bytes is owed, none is delivered. After
  // the end it is WaitUntil().
  static Next MoreBody(Deadline deadline) { return Next(Kind::kBody, deadline, 0); }
  // Flushed(), once no more than `bytes_left` of the response are owed, or half of
  // StreamOptions::output_pause_bytes if that is less: then Reply::room() is not empty. A Flushed()
  // that writes nothing and asks for what holds already is a programmer's error.
  static Next FlushedTo(uint32_t bytes_left, Deadline deadline) {
    return Next(Kind::kFlushed, deadline, bytes_left);
  }
  // As before, with the same deadline; after Flushed(): WaitUntil() it. After Timeout():
  // Finished().
  static Next Unchanged() { return Next(Kind::kUnchanged, Deadline::Never(), 0); }

 private:
  friend class ServerCore;
  enum class Kind : uint8_t { kFinished, kWait, kBody, kFlushed, kUnchanged };

  Next(Kind kind, Deadline deadline, uint32_t bytes_left)
      : deadline_(deadline), bytes_left_(bytes_left), kind_(kind) {}

  Deadline deadline_;
  uint32_t bytes_left_;
  Kind kind_;
};

// See above. `reply` is the response so far; never store it.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // The next bytes of a progressive body, at least the piece_bytes_min of its BodyPlan except for
  // the last; valid during the call. Without it: 500.
  virtual Next BodyReceived(std::string_view piece, Reply& reply, Scope& scope);
  // The body is complete. `trailers` as in Request, valid during the call. Without it: 500.
  virtual Next RequestEnded(std::span<const Field> trailers, Reply& reply, Scope& scope);
  // A notifier of this connection (scope.notifier()) was used, perhaps by an earlier exchange; or
  // the server is asked to drain: scope.draining(). Without it: Unchanged().
  virtual Next Wakeup(Reply& reply, Scope& scope);
  // See Next::FlushedTo(). Without it: Unchanged().
  virtual Next Flushed(Reply& reply, Scope& scope);
  // The deadline of the last Next has passed. It may go on with a later one. Without it: 408 while
  // the body is not complete, else 504; a response already started ends with the connection.
  virtual Next Timeout(Reply& reply, Scope& scope);

  // Whether it ends, and the connection with it, when the client has closed its side before the
  // answer. Most such clients have gone; one that has closed only half would still read it.
  virtual bool ends_with_client() const { return false; }

  // Memory it holds, for an inspector.
  virtual size_t bytes_held() const { return 0; }

 protected:
  Exchange() = default;
};

// What is to be done with the body of a request: the answer of a handler's HeadReceived(). The
// same holds for requests without body.
class [[nodiscard]] BodyPlan {
 public:
  // The whole request goes to RequestReceived(), if its body has at most `bytes_max` (less than
  // 1 GiB); else 413.
  static BodyPlan Buffered(size_t bytes_max) { return BodyPlan(Kind::kBuffered, bytes_max); }
  // The same with ServerOptions::body_bytes_max.
  static BodyPlan Buffered() { return BodyPlan(Kind::kDefault, 0); }
  // Pieces of at least `piece_bytes_min` (at most 64 KiB), however long the body, go to `exchange`,
  // first when `next` asks for them.
  static BodyPlan Progressive(std::unique_ptr<Exchange> exchange, uint32_t piece_bytes_min,
                              Next next) {
    BodyPlan plan(Kind::kProgressive, piece_bytes_min);
    plan.exchange_ = std::move(exchange);
    plan.next_ = next;
    return plan;
  }
  // The body is not wanted: the reply was sent, or goes on in an exchange given to AnswerLater().
  // The client is not told to continue. A sized body of at most ServerOptions::discard_bytes_max is
  // read and dropped, and the connection goes on; otherwise it closes after the response.
  static BodyPlan Answered() { return BodyPlan(Kind::kAnswered, 0); }

 private:
  friend class ServerCore;
  enum class Kind : uint8_t { kDefault, kBuffered, kProgressive, kAnswered };

  BodyPlan(Kind kind, size_t bytes) : bytes_(bytes), kind_(kind) {}

  std::unique_ptr<Exchange> exchange_;
  size_t bytes_;
  Next next_ = Next::Finished();
  Kind kind_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_EXCHANGE_H_
