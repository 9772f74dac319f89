/*
 * server/hba.c - who may come in from where: see hba.h.
 */
#include "server/hba.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/file.h"

enum { WORDS_MAX = 6, FILE_BYTES_MAX = 1024 * 1024 };

typedef enum RuleType { TYPE_LOCAL, TYPE_HOST, TYPE_HOSTSSL, TYPE_HOSTNOSSL } RuleType;

typedef struct Rule {
    RuleType type;
    MrString databases, users; /* as written: a list */
    int family;                /* AF_UNSPEC: all addresses */
    uint8_t network[16];
    uint32_t bits;
    MrHbaMethod method;
} Rule;

struct MrHba {
    char *text; /* rules point into it */
    Rule *rules;
    uint32_t count;
};

/* ---- Reading --------------------------------------------------------------------------------- */

typedef struct Line {
    const char *file;
    uint32_t number;
    MrString words[WORDS_MAX];
    uint32_t count;
} Line;

static MrStatus bad_line(const Line *line, const char *what, MrString word, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "\"%s\" line %u: %s \"%.*s\"", line->file,
                        line->number, what, (int)(word.length > 100 ? 100 : word.length),
                        word.data);
}

/* Words of a line, up to a #.  A quoted word is one word, without its quotes. */
static MrStatus split(MrString text, Line *line, MrError *err)
{
    const char *at = text.data, *end = text.data + text.length;
    for (;;) {
        while (at < end && isspace((unsigned char)*at)) {
            at++;
        }
        if (at == end || *at == '#') {
            return MR_OK;
        }
        const char *start = at;
        bool quoted = *at == '"';
        if (quoted) {
            start = ++at;
            while (at < end && *at != '"') {
                at++;
            }
            if (at == end) {
                return bad_line(line, "a quote is not closed before", text, err);
            }
        } else {
            while (at < end && !isspace((unsigned char)*at) && *at != '#') {
                at++;
            }
        }
        if (line->count == WORDS_MAX) {
            return bad_line(line, "more words than a rule has:", text, err);
        }
        line->words[line->count++] = (MrString){ start, (size_t)(at - start) };
        at += quoted;
    }
}

static bool find_word(MrString word, const char *const *words, uint32_t count, int *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (mr_string_equal(word, mr_string(words[i]))) {
            *out = (int)i;
            return true;
        }
    }
    return false;
}

static MrStatus read_address(const Line *line, MrString word, Rule *rule, MrError *err)
{
    char text[INET6_ADDRSTRLEN + 8];
    if (mr_string_equal(word, MR_STRING("all"))) {
        rule->family = AF_UNSPEC;
        return MR_OK;
    }
    const char *slash = memchr(word.data, '/', word.length);
    if (word.length >= sizeof text || slash == NULL) {
        return bad_line(line, "an address reads 127.0.0.1/32, not", word, err);
    }
    memcpy(text, word.data, word.length);
    text[word.length] = '\0';
    text[slash - word.data] = '\0';
    char *end;
    unsigned long bits = strtoul(text + (slash - word.data) + 1, &end, 10);
    rule->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    if (*end != '\0' || end == text + (slash - word.data) + 1 ||
        bits > (rule->family == AF_INET ? 32U : 128U) ||
        inet_pton(rule->family, text, rule->network) != 1) {
        return bad_line(line, "an address reads 127.0.0.1/32, not", word, err);
    }
    rule->bits = (uint32_t)bits;
    return MR_OK;
}

static bool is_loopback(const Rule *rule)
{
    static const uint8_t six[16] = { [15] = 1 };
    return (rule->family == AF_INET && rule->bits >= 8 && rule->network[0] == 127) ||
           (rule->family == AF_INET6 && rule->bits == 128 && memcmp(rule->network, six, 16) == 0);
}

static MrStatus read_rule(const Line *line, Rule *rule, MrError *err)
{
    static const char *const types[] = { "local", "host", "hostssl", "hostnossl" };
    static const char *const methods[] = { "trust", "scram-sha-256", "reject" };
    int type, method;
    if (!find_word(line->words[0], types, 4, &type)) {
        return bad_line(line, "a rule begins with local, host, hostssl or hostnossl, not",
                        line->words[0], err);
    }
    const uint32_t words = type == TYPE_LOCAL ? 4 : 5;
    if (line->count != words) {
        return bad_line(line, "wrong number of words in a rule of type", line->words[0], err);
    }
    *rule = (Rule){ .type = (RuleType)type,
                    .databases = line->words[1],
                    .users = line->words[2],
                    .family = AF_UNSPEC };
    if (type != TYPE_LOCAL) {
        MR_TRY(read_address(line, line->words[3], rule, err));
    }
    if (!find_word(line->words[words - 1], methods, 3, &method)) {
        return bad_line(line, "the method is trust, scram-sha-256 or reject, not",
                        line->words[words - 1], err);
    }
    rule->method = (MrHbaMethod)method;
    if (method == MR_HBA_TRUST && type != TYPE_LOCAL && !is_loopback(rule)) {
        return bad_line(line, "trust is for the Unix socket and loopback only, not for",
                        line->words[3], err);
    }
    return MR_OK;
}

static MrStatus read_rules(MrHba *hba, MrString text, const char *name, MrError *err)
{
    Line line = { .file = name };
    while (text.length > 0) {
        const char *end = memchr(text.data, '\n', text.length);
        size_t length = end == NULL ? text.length : (size_t)(end - text.data);
        line.number++;
        line.count = 0;
        MR_TRY(split((MrString){ text.data, length }, &line, err));
        if (line.count > 0) {
            MR_TRY(read_rule(&line, &hba->rules[hba->count], err));
            hba->count++;
        }
        length += end != NULL;
        text.data += length;
        text.length -= length;
    }
    return MR_OK;
}

MrStatus mr_hba_parse(MrString text, const char *name, MrHba **out, MrError *err)
{
    size_t lines = 1;
    *out = NULL;
    for (size_t i = 0; i < text.length; i++) {
        lines += text.data[i] == '\n';
    }
    MrHba *hba = calloc(1, sizeof *hba);
    if (hba == NULL) {
        return mr_error_no_memory(err);
    }
    hba->text = malloc(text.length + 1);
    hba->rules = calloc(lines, sizeof *hba->rules);
    if (hba->text == NULL || hba->rules == NULL) {
        mr_hba_destroy(hba);
        return mr_error_no_memory(err);
    }
    memcpy(hba->text, text.data, text.length);
    MrStatus status = read_rules(hba, (MrString){ hba->text, text.length }, name, err);
    if (status != MR_OK) {
        mr_hba_destroy(hba);
        return status;
    }
    *out = hba;
    return MR_OK;
}

MrStatus mr_hba_read(const char *path, MrHba **out, MrError *err)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    *out = NULL;
    MrStatus status = mr_file_read_text(path, FILE_BYTES_MAX, &text, err);
    if (status == MR_OK) {
        status = mr_hba_parse((MrString){ text.data, text.length }, path, out, err);
    }
    mr_builder_fini(&text);
    return status;
}

void mr_hba_destroy(MrHba *hba)
{
    if (hba != NULL) {
        free(hba->text);
        free(hba->rules);
        free(hba);
    }
}

/* ---- Matching -------------------------------------------------------------------------------- */

static bool list_has(MrString list, const char *name)
{
    if (mr_string_equal(list, MR_STRING("all"))) {
        return true;
    }
    while (list.length > 0) {
        const char *comma = memchr(list.data, ',', list.length);
        size_t length = comma == NULL ? list.length : (size_t)(comma - list.data);
        if (mr_string_equal((MrString){ list.data, length }, mr_string(name))) {
            return true;
        }
        length += comma != NULL;
        list.data += length;
        list.length -= length;
    }
    return false;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
    if (memcmp(a, b, bits / 8) != 0) {
        return false;
    }
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);
    return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

static bool covers(const Rule *rule, const struct sockaddr *address)
{
    if (rule->family == AF_UNSPEC) {
        return true;
    }
    if (rule->family != address->sa_family) {
        return false;
    }
    const void *bytes =
        address->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
            : (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return same_prefix(bytes, rule->network, rule->bits);
}

static bool matches(const Rule *rule, const MrHbaClient *client)
{
    if ((client->address == NULL) != (rule->type == TYPE_LOCAL) ||
        (rule->type == TYPE_HOSTSSL && !client->is_encrypted) ||
        (rule->type == TYPE_HOSTNOSSL && client->is_encrypted)) {
        return false;
    }
    return (client->address == NULL || covers(rule, client->address)) &&
           list_has(rule->databases, client->database) && list_has(rule->users, client->user);
}

bool mr_hba_method(const MrHba *hba, const MrHbaClient *client, MrHbaMethod *out)
{
    for (uint32_t i = 0; i < hba->count; i++) {
        if (matches(&hba->rules[i], client)) {
            *out = hba->rules[i].method;
            return true;
        }
    }
    return false;
}
