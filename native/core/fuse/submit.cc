// See submit.h.
#include "submit.h"

#include <memory>

#include "handed_reply.h"

namespace packetfs::fuse {

namespace {

/// This thread's turn to send the reply, if it is to wait for it.
ReplyTurn turnOf(fuse_req_t request) {
  Context& context = contextOf(request);
  if (!context.queue.isAwaited(static_cast<std::uint32_t>(fuse_req_ctx(request)->pid))) return {};
  thread_local const auto reply = std::make_shared<HandedReply>(context.handedReplies);  // a thread has one session
  return {.reply = reply, .number = reply->expect()};
}

void sendReply(Context& context, const ReplyTurn& turn) {
  if (turn.reply != nullptr && turn.reply->sendTo(context.device)) count(context.counters.handed);
}

}  // namespace

void enqueue(fuse_req_t request, Opcode opcode, const RequestRecord& record, PendingRequest pending) {
  Context& context = contextOf(request);
  pending.request = request;
  pending.opcode = opcode;
  count(context.counters.requests);
  context.queue.push(record, pending);
}

void submit(fuse_req_t request, Opcode opcode, const RequestRecord& record, PendingRequest pending) {
  Context& context = contextOf(request);
  pending.turn = turnOf(request);
  enqueue(request, opcode, record, pending);
  sendReply(context, pending.turn);
}

void submitChange(fuse_req_t request, const DirectoryChange& change, Opcode opcode, const RequestRecord& record,
                  PendingRequest pending) {
  Context& context = contextOf(request);
  pending.turn = turnOf(request);
  context.foreknowledge.changing(change, [&](const ChangeNote& note) {
    pending.change = note;
    enqueue(request, opcode, record, pending);
  });
  sendReply(context, pending.turn);  // without the lock: JavaScript needs it to make the reply
}

}  // namespace packetfs::fuse
