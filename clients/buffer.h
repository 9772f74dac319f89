/*
 * clients/buffer.h - a growing byte string, and allocation that ends the program when memory is
 * out.  A shell that cannot allocate a line has nothing left to save, so nobody checks for NULL
 * here.  Must not know SQL, libpq or the terminal.
 */
#ifndef MR_CLIENTS_BUFFER_H
#define MR_CLIENTS_BUFFER_H
#include <stdarg.h>
#include <stddef.h>

typedef struct MrBuffer {
    char *data; /* always ends in a zero byte; never NULL after init */
    size_t length;
    size_t capacity;
} MrBuffer;

/* An empty buffer; mr_buffer_fini frees what it came to hold.  All calls end the program when
 * there is no memory. */
void mr_buffer_init(MrBuffer *buffer);
void mr_buffer_fini(MrBuffer *buffer);
void mr_buffer_clear(MrBuffer *buffer);
void mr_buffer_truncate(MrBuffer *buffer, size_t length);
void mr_buffer_append(MrBuffer *buffer, const char *text);
void mr_buffer_append_bytes(MrBuffer *buffer, const void *bytes, size_t count);
void mr_buffer_append_char(MrBuffer *buffer, char c);
void mr_buffer_append_format(MrBuffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Replaces `count` bytes at `offset` by `text`. */
void mr_buffer_splice(MrBuffer *buffer, size_t offset, size_t count, const char *text);

/* As calloc, realloc and strdup, but never NULL: without memory the program ends with a message. */
void *mr_allocate(size_t size); /* zeroed */
void *mr_reallocate(void *old, size_t size);
char *mr_text_copy(const char *text); /* NULL stays NULL */
char *mr_text_copy_bytes(const char *text, size_t count);
/* The text with the first `what` replaced by `by`. */
char *mr_text_replace(const char *text, const char *what, const char *by);
char *mr_text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *mr_text_vformat(const char *format, va_list list) __attribute__((format(printf, 1, 0)));
#endif
