# The addon: our core and napi sources under strict warnings, BLAKE3 (official C and assembly) apart from them.
{
  "variables": { "blake3": "../node_modules/@c4312/blake3-native/c" },
  "targets": [
    {
      "target_name": "blake3",
      "type": "static_library",
      "cflags": ["-fPIC", "-O3"],
      "sources": [
        "<(blake3)/blake3.c",
        "<(blake3)/blake3_dispatch.c",
        "<(blake3)/blake3_portable.c"
      ],
      "conditions": [
        ["target_arch=='x64'", {
          "sources": [
            "<(blake3)/blake3_sse2_x86-64_unix.S",
            "<(blake3)/blake3_sse41_x86-64_unix.S",
            "<(blake3)/blake3_avx2_x86-64_unix.S",
            "<(blake3)/blake3_avx512_x86-64_unix.S"
          ]
        }],
        ["target_arch=='arm64'", {
          "sources": ["<(blake3)/blake3_neon.c"],
          "defines": ["BLAKE3_USE_NEON=1"]
        }]
      ]
    },
    {
      "target_name": "packetfs",
      "dependencies": ["blake3"],
      "defines": [
        "NAPI_VERSION=9",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "FUSE_USE_VERSION=314",
        "_FILE_OFFSET_BITS=64"
      ],
      "cflags_cc!": ["-std=gnu++17", "-fno-rtti"],
      "cflags_cc": [
        "-std=c++20",
        "-fvisibility=hidden",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        "-isystem <(module_root_dir)/../node_modules/node-addon-api",
        "-isystem <(module_root_dir)/<(blake3)",
        "-isystem <(nodedir)/include/node",
        "<!@(pkg-config --cflags libzstd libsodium fuse3 | sed 's/-I/-isystem /g')"
      ],
      "libraries": ["<!@(pkg-config --libs libzstd libsodium fuse3)"],
      "conditions": [["target_arch=='x64'", { "libraries": ["-lIPSec_MB"] }]],
      "sources": [
        "core/base/file.cc",
        "core/base/file_lock.cc",
        "core/base/service_manager.cc",
        "core/base/thread_priority.cc",
        "core/blob/blob_append.cc",
        "core/blob/blob_core.cc",
        "core/blob/blob_read.cc",
        "core/blob/direct_reader.cc",
        "core/blob/index_check.cc",
        "core/blob/inspect.cc",
        "core/blob/literal.cc",
        "core/blob/literal_frame.cc",
        "core/blob/matcher.cc",
        "core/blob/scrub.cc",
        "core/blob/segment.cc",
        "core/blob/segment_load.cc",
        "core/blob/segment_write.cc",
        "core/blob/table_format.cc",
        "core/blob/write_back.cc",
        "core/chunk/chunk_index.cc",
        "core/chunk/chunk_index_table.cc",
        "core/chunk/chunker.cc",
        "core/chunk/chunker_avx2.cc",
        "core/chunk/chunker_avx512.cc",
        "core/chunk/crc32c.cc",
        "core/chunk/hash.cc",
        "core/chunk/zero.cc",
        "core/codec/aead.cc",
        "core/codec/aes_gcm_ipsec_mb.cc",
        "core/codec/aes_gcm_sodium.cc",
        "core/codec/compression.cc",
        "core/content/byte_run.cc",
        "core/content/content.cc",
        "core/content/content_ingest.cc",
        "core/content/content_journal.cc",
        "core/content/content_store.cc",
        "core/content/dirty_map.cc",
        "core/content/extent_map.cc",
        "core/content/ingest_pool.cc",
        "core/fuse/content_operations.cc",
        "core/fuse/conversation.cc",
        "core/fuse/device_io.cc",
        "core/fuse/directory_handles.cc",
        "core/fuse/foreknowledge.cc",
        "core/fuse/handed_reply.cc",
        "core/fuse/invalidations.cc",
        "core/fuse/kept_handles.cc",
        "core/fuse/killed_privileges.cc",
        "core/fuse/known_files.cc",
        "core/fuse/operations.cc",
        "core/fuse/replies.cc",
        "core/fuse/reply_records.cc",
        "core/fuse/request_queue.cc",
        "core/fuse/session.cc",
        "core/fuse/spliced_reply.cc",
        "core/fuse/submit.cc",
        "core/journal/journal.cc",
        "core/simd/simd.cc",
        "core/udp/endpoint.cc",
        "core/udp/receive_queue.cc",
        "core/udp/udp_receiver.cc",
        "core/udp/paced_sender.cc",
        "core/udp/udp_sender.cc",
        "core/udp/udp_socket.cc",
        "napi/addon.cc",
        "napi/aead.cc",
        "napi/chunk.cc",
        "napi/system.cc",
        "napi/blob.cc",
        "napi/udp.cc",
        "napi/content.cc",
        "napi/journal.cc",
        "napi/fuse.cc",
        "napi/inspect.cc"
      ]
    }
  ]
}
