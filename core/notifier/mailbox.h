// Messages to one machine from any thread.
//
//   struct Worker {
//     explicit Worker(Mailbox<Job> mailbox) : jobs(std::move(mailbox)) {}
//     Step Start(Scope& scope) {
//       jobs.WakeBy(scope.notifier());
//       return Step::WaitForever();
//     }
//     Step Wakeup(Scope& scope) {
//       jobs.Take(64, [&](Job job) { ... });  // At most 64 in this turn.
//       return scope.draining() ? Step::Done() : Step::KeepWaiting();
//     }
//     Mailbox<Job> jobs;
//   };
#ifndef ROTOR_CORE_NOTIFIER_MAILBOX_H_
#define ROTOR_CORE_NOTIFIER_MAILBOX_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "core/notifier/notifier.h"

namespace rotor {

// What became of a message. A full mailbox is no error: the sender waits, drops or says so.
enum class SendResult : uint8_t {
  kSent,
  kFull,    // As many as fit are queued.
  kClosed,  // The mailbox is gone, and nobody will ever take the message.
};

namespace mailbox_internal {

// Whether the machine has been told that there is something to take.
class Signal {
 public:
  // To be called by a sender after an atomic read-modify-write that made its message visible. That
  // order is what allows to look before anything is written: if `told_` still stands, it was read
  // before Rearm() removed it, and so the messages that the machine looks for after Rearm() include
  // this one. With a plain store in front, the look could come too early and lose a wake-up.
  void Notify() {
    if (told_.load(std::memory_order_seq_cst)) return;
    if (!told_.exchange(true, std::memory_order_acq_rel)) notifier_.Wake();
  }

  // To be called by the machine before it looks for messages.
  void Rearm() { told_.exchange(false, std::memory_order_seq_cst); }

  // From here on Notify() wakes; before that it does nothing. Once.
  void WakeBy(Notifier notifier) {
    notifier_ = std::move(notifier);
    Rearm();  // Publishes `notifier_` to senders.
    notifier_.Wake();
  }
  void WakeNow() { notifier_.Wake(); }

 private:
  std::atomic<bool> told_ = true;
  Notifier notifier_;  // Read by senders that have seen `told_` false.
};

// A ring of cells. Each has a turn: the position of the message that may be written into it, or one
// more than that of the message which is in it (Vyukov's bounded queue).
template <typename T>
class Queue {
 public:
  explicit Queue(uint32_t messages_max)
      : mask_(CellsFor(messages_max) - 1), cells_(new Cell[mask_ + 1]) {
    for (uint64_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }
  ~Queue() {
    while (Cell* cell = Front()) TakeFront(*cell);
  }

  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // Any thread.
  SendResult Send(T&& message) {
    uint64_t position = tail_.load(std::memory_order_relaxed);
    Cell* cell = nullptr;
    do {
      if (closed_.load(std::memory_order_relaxed)) return SendResult::kClosed;
      cell = &cells_[position & mask_];
      // Acquire: the message that was here has been moved out.
      const uint64_t turn = cell->turn.load(std::memory_order_acquire);
      if (turn < position) return SendResult::kFull;
      if (turn > position) {
        position = tail_.load(std::memory_order_relaxed);
        cell = nullptr;
      }
    } while (cell == nullptr ||
             !tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed));
    ::new (cell->message) T(std::move(message));
    cell->turn.exchange(position + 1, std::memory_order_seq_cst);  // See Signal::Notify().
    signal_.Notify();
    return SendResult::kSent;
  }

  // The others: the machine's thread.
  template <typename F>
  size_t Take(size_t messages_max, F&& take) {
    signal_.Rearm();
    for (size_t taken = 0; taken < messages_max; ++taken) {
      Cell* cell = Front();
      if (cell == nullptr) return taken;
      take(TakeFront(*cell));
    }
    if (Front() != nullptr) signal_.WakeNow();
    return messages_max;
  }

  void Close() {
    closed_.store(true, std::memory_order_relaxed);
    while (Cell* cell = Front()) TakeFront(*cell);
  }

  Signal& signal() { return signal_; }

 private:
  struct Cell {
    std::atomic<uint64_t> turn;
    alignas(T) std::byte message[sizeof(T)];
  };

  static uint64_t CellsFor(uint32_t messages_max) {
    ROTOR_CHECK(messages_max > 0 && messages_max <= 1u << 24, "a mailbox holds 1 to 2^24 messages");
    // With one cell, that of a message and that of the next message to write would look alike.
    return std::bit_ceil(std::max(messages_max, uint32_t{2}));
  }

  // The cell of the next message; null if it has not been sent in full.
  Cell* Front() {
    Cell& cell = cells_[head_ & mask_];
    return cell.turn.load(std::memory_order_seq_cst) == head_ + 1 ? &cell : nullptr;
  }

  T TakeFront(Cell& cell) {
    T* message = std::launder(reinterpret_cast<T*>(cell.message));
    T taken(std::move(*message));
    message->~T();
    cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    return taken;
  }

  const uint64_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  std::atomic<bool> closed_ = false;
  // Each in a cache line of its own: senders write the first at every message, look at the second,
  // and never touch the third.
  alignas(64) std::atomic<uint64_t> tail_ = 0;
  alignas(64) Signal signal_;
  alignas(64) uint64_t head_ = 0;
};

}  // namespace mailbox_internal

template <typename T>
class Mailbox;

// The way in. Copy it freely and use it from any thread (each copy from one thread at a time). It
// may outlive the mailbox and the loop. A default-constructed one belongs to a closed mailbox.
template <typename T>
class Sender {
 public:
  Sender() = default;

  // Queues `message` and has the machine woken, unless it has been told already and has not looked
  // since. Moves from `message` only if it is sent. Never blocks, allocates nothing. Costs two
  // atomic exchanges, and a Notifier::Wake() for the first message since the machine looked.
  // Messages of one sender are taken in the order in which they were sent.
  [[nodiscard]] SendResult Send(T&& message) const {
    return queue_ == nullptr ? SendResult::kClosed : queue_->Send(std::move(message));
  }
  [[nodiscard]] SendResult Send(const T& message) const { return Send(T(message)); }

 private:
  friend class Mailbox<T>;
  explicit Sender(std::shared_ptr<mailbox_internal::Queue<T>> queue) : queue_(std::move(queue)) {}

  std::shared_ptr<mailbox_internal::Queue<T>> queue_;
};

// Where the messages are until the machine takes them. A member of the machine, whose constructor
// gets it by move. T moves without throwing.
template <typename T>
class Mailbox {
  static_assert(std::is_nothrow_move_constructible_v<T>, "messages move, and that cannot fail");

 public:
  // At most `messages_max` messages, 1 to 2^24, wait at a time; it is rounded up to a power of two,
  // at least 2. Their memory, sizeof(T) and eight bytes each, is allocated here.
  explicit Mailbox(uint32_t messages_max)
      : queue_(std::make_shared<mailbox_internal::Queue<T>>(messages_max)) {}
  Mailbox(Mailbox&&) noexcept = default;
  Mailbox& operator=(Mailbox&&) = delete;
  // Closes. Messages not taken are destroyed; one that is sent at this very moment, with the last
  // sender.
  ~Mailbox() {
    if (queue_ != nullptr) queue_->Close();
  }

  Sender<T> sender() const { return Sender<T>(queue_); }

  // From Start(): messages cause a Wakeup of the machine that `notifier` names, those sent before
  // this call included. Once.
  void WakeBy(Notifier notifier) { queue_->signal().WakeBy(std::move(notifier)); }

  // From Wakeup(): calls `take(T)` for each message, `messages_max` at most. If that leaves any,
  // the machine is woken again in the next turn. Returns how many were taken.
  template <typename F>
  size_t Take(size_t messages_max, F&& take) {
    return queue_->Take(messages_max, std::forward<F>(take));
  }

 private:
  std::shared_ptr<mailbox_internal::Queue<T>> queue_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_NOTIFIER_MAILBOX_H_
