/*
 * server/socket.h - a client's bytes: what came and was not taken yet, what was written and is not
 * sent yet.  Both ends are bounded by their user.  Must not know the protocol.
 *
 * Not a bufferevent: that one reads 4 kB at a time, and COPY wants its data in one piece.
 */
#ifndef MR_SERVER_SOCKET_H
#define MR_SERVER_SOCKET_H

#include "common/text.h"

struct event;
struct event_base;
struct MrTls;
struct MrTlsConnection;

#define MR_SOCKET_NO_HOLD UINT64_MAX

typedef struct MrSocket {
    int fd;                      /* -1: none (tests and fuzzing put bytes in by hand) */
    struct MrTlsConnection *tls; /* NULL: in clear */
    struct event *readable, *writable;
    char *input;
    size_t input_start, input_end, input_room;
    size_t input_bytes_max; /* reading stops while so much waits to be taken */
    MrBuilder output;
    size_t output_start;
    uint64_t sent;                  /* bytes that have gone, since the start */
    uint64_t send_until;            /* no byte behind this one goes yet */
    bool is_at_end;                 /* the client sends no more */
    bool is_broken;                 /* nothing can be sent any more */
    void (*changed)(void *context); /* bytes came, the end came, or the output has gone */
    /* Called once, when a first byte is there and before it is read: it may encrypt or break the
     * socket.  NULL: nobody asks. */
    void (*first_byte)(void *context, uint8_t byte);
    void *context;
} MrSocket;

/* Takes the descriptor. */
MrStatus mr_socket_init(MrSocket *socket, struct event_base *base, int fd,
                        void (*changed)(void *context), void *context, MrError *err);
void mr_socket_fini(MrSocket *socket); /* closes */
/* Says that nothing more will be sent. */
void mr_socket_shut(MrSocket *socket);
/* From here on everything is encrypted; nothing may wait to be taken or sent.  `is_direct` as
 * mr_tls_accept has it.  Keeps nothing of `tls`. */
MrStatus mr_socket_encrypt(MrSocket *socket, const struct MrTls *tls, bool is_direct, MrError *err);
/* A Unix socket: the bytes do not leave this machine. */
bool mr_socket_is_local(const MrSocket *socket);

/* What has arrived and was not taken; borrowed until the next call. */
MrString mr_socket_input(const MrSocket *socket);
void mr_socket_take(MrSocket *socket, size_t bytes);
/* The session is idle: large buffers are given back. */
void mr_socket_rest(MrSocket *socket);
/* How much may wait: a message of that size is expected.  Reading goes on when there is room. */
void mr_socket_expect(MrSocket *socket, size_t bytes);

/* Bytes written (to `output`) and not sent yet. */
size_t mr_socket_unsent(const MrSocket *socket);
/* The place behind all that was written, counted in bytes since the start. */
uint64_t mr_socket_written(const MrSocket *socket);
/* What lies behind the place stays until it is moved (MR_SOCKET_NO_HOLD: nothing stays). */
void mr_socket_hold(MrSocket *socket, uint64_t place);
/* Sends what it can now, the rest as the client reads. */
void mr_socket_flush(MrSocket *socket);

#endif
