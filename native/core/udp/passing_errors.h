// Errors of a UDP socket that are about single datagrams, sent or to come, and not about the socket.
#pragma once

#include <cerrno>

namespace packetfs {

/// ICMP reports of earlier datagrams, an interface that is down, a moment without memory.
inline bool isPassingError(int errorNumber) {
  switch (errorNumber) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EMSGSIZE:  // longer than the interface's MTU: what an MTU probe is there to find out
    case ENOBUFS:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace packetfs
