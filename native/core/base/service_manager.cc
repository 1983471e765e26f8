// One datagram to the socket that systemd names (service_manager.h).
#include "service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "file_descriptor.h"

namespace packetfs {

Result<bool> notifyServiceManager(const std::string& state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return false;
  const std::size_t length = std::strlen(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((*path != '/' && *path != '@') || length >= sizeof address.sun_path) {
    return Status::failure(EINVAL, "NOTIFY_SOCKET is neither an absolute path nor an abstract name");
  }
  std::memcpy(address.sun_path, path, length);
  if (*path == '@') address.sun_path[0] = '\0';  // abstract namespace
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.ok()) return Status::failure(errno, "no socket to notify the service manager");
  const auto addressLength = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const auto sent = ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), addressLength);
  if (sent < 0) return Status::failure(errno, std::string("cannot notify the service manager at ") + path);
  return true;
}

}  // namespace packetfs
