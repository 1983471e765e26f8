# PacketFS in a container, by the same steps as on a machine: make setup, make build, make install. A test runs the
# steps between the markers as a script where there is no container engine (test/e2e/install.test.ts).
# Run it with: docker run --device /dev/fuse --cap-add SYS_ADMIN -v state:/var/lib/packetfs IMAGE pfs-mount /mnt
FROM node:20-bookworm AS build
WORKDIR /packetfs
COPY . .
# steps of the build stage
RUN apt-get update -q && make setup
RUN make build
RUN make install PREFIX=/usr/local DESTDIR=/image
# end of the steps

FROM node:20-bookworm-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends fuse3 libfuse2 libfuse3-3 libsodium23 libzstd1 \
  $([ "$(dpkg --print-architecture)" != amd64 ] || echo libipsec-mb1) \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /image/ /
VOLUME /var/lib/packetfs
EXPOSE 7433/udp
CMD ["pfs-mount", "/mnt"]
