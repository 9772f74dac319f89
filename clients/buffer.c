/*
 * clients/buffer.c - a growing byte string, and allocation that ends the program when memory is
 * out.
 */
#include "clients/buffer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void memory_is_out(void)
{
    fputs("millrace: error: out of memory\n", stderr);
    exit(EXIT_FAILURE);
}

void *mr_allocate(size_t size)
{
    void *memory = calloc(1, size == 0 ? 1 : size);
    if (memory == NULL) {
        memory_is_out();
    }
    return memory;
}

void *mr_reallocate(void *old, size_t size)
{
    void *memory = realloc(old, size == 0 ? 1 : size);
    if (memory == NULL) {
        memory_is_out();
    }
    return memory;
}

char *mr_text_copy_bytes(const char *text, size_t count)
{
    char *copy = mr_allocate(count + 1);
    memcpy(copy, text, count);
    return copy;
}

char *mr_text_copy(const char *text)
{
    return text == NULL ? NULL : mr_text_copy_bytes(text, strlen(text));
}

void mr_buffer_init(MrBuffer *buffer)
{
    buffer->capacity = 128;
    buffer->data = mr_allocate(buffer->capacity);
    buffer->length = 0;
}

void mr_buffer_fini(MrBuffer *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
}

void mr_buffer_truncate(MrBuffer *buffer, size_t length)
{
    buffer->length = length;
    buffer->data[length] = '\0';
}

void mr_buffer_clear(MrBuffer *buffer)
{
    mr_buffer_truncate(buffer, 0);
}

static void buffer_reserve(MrBuffer *buffer, size_t extra)
{
    if (extra > SIZE_MAX / 4 - buffer->length) {
        memory_is_out();
    }
    size_t needed = buffer->length + extra + 1;
    if (needed <= buffer->capacity) {
        return;
    }
    while (buffer->capacity < needed) {
        buffer->capacity *= 2;
    }
    buffer->data = mr_reallocate(buffer->data, buffer->capacity);
}

void mr_buffer_append_bytes(MrBuffer *buffer, const void *bytes, size_t count)
{
    buffer_reserve(buffer, count);
    memcpy(buffer->data + buffer->length, bytes, count);
    mr_buffer_truncate(buffer, buffer->length + count);
}

void mr_buffer_append(MrBuffer *buffer, const char *text)
{
    mr_buffer_append_bytes(buffer, text, strlen(text));
}

void mr_buffer_append_char(MrBuffer *buffer, char c)
{
    mr_buffer_append_bytes(buffer, &c, 1);
}

static __attribute__((nonnull)) void buffer_append_list(MrBuffer *buffer, const char *format,
                                                        va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        return;
    }
    buffer_reserve(buffer, (size_t)length);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, list);
    buffer->length += (size_t)length;
}

void mr_buffer_append_format(MrBuffer *buffer, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    buffer_append_list(buffer, format, list);
    va_end(list);
}

void mr_buffer_splice(MrBuffer *buffer, size_t offset, size_t count, const char *text)
{
    size_t added = strlen(text);
    buffer_reserve(buffer, added);
    memmove(buffer->data + offset + added, buffer->data + offset + count,
            buffer->length - offset - count);
    memcpy(buffer->data + offset, text, added);
    mr_buffer_truncate(buffer, buffer->length - count + added);
}

char *mr_text_format(const char *format, ...)
{
    MrBuffer buffer;
    va_list list;
    mr_buffer_init(&buffer);
    va_start(list, format);
    buffer_append_list(&buffer, format, list);
    va_end(list);
    return buffer.data;
}

char *mr_text_vformat(const char *format, va_list list)
{
    MrBuffer buffer;
    mr_buffer_init(&buffer);
    buffer_append_list(&buffer, format, list);
    return buffer.data;
}

char *mr_text_replace(const char *text, const char *what, const char *by)
{
    const char *at = strstr(text, what);
    if (at == NULL) {
        return mr_text_copy(text);
    }
    return mr_text_format("%.*s%s%s", (int)(at - text), text, by, at + strlen(what));
}
