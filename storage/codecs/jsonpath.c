/*
 * storage/codecs/jsonpath.c - paths of columns to a tree.
 * Must not know types.
 */
#include "storage/codecs/jsonpath.h"

#include "storage/jsontext.h"

MrJsonPath *mr_json_path_member(MrJsonPath *parent, MrString name)
{
    MrJsonPath *first = parent->expected != NULL ? parent->expected : parent->children;
    MrJsonPath *child = first;
    while (child != NULL) {
        if (child->index < 0 && child->name.length == name.length &&
            memcmp(child->name.data, name.data, name.length) == 0) {
            parent->expected = child->next;
            return child;
        }
        child = child->next != NULL ? child->next : parent->children;
        if (child == first) {
            break;
        }
    }
    return NULL;
}

MrJsonPath *mr_json_path_element(MrJsonPath *parent, int64_t index)
{
    for (MrJsonPath *child = parent->children; child != NULL; child = child->next) {
        if (child->index == index) {
            return child;
        }
    }
    return NULL;
}

static MrStatus path_invalid(const char *path, MrError *err)
{
    mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid json_path \"%.200s\"", path);
    return mr_error_hint(err, "A path reads like $.actor.login, $.tags[0] or $['a b'].");
}

static MrStatus child_get(MrArena *arena, MrJsonPath *parent, MrString name, int64_t index,
                          MrJsonPath **out, MrError *err)
{
    MrJsonPath **link = &parent->children;
    for (; *link != NULL; link = &(*link)->next) {
        if ((*link)->index == index && (index >= 0 || mr_string_equal((*link)->name, name))) {
            *out = *link;
            return MR_OK;
        }
    }
    MR_NEW(arena, *link, err);
    (*link)->name = name;
    (*link)->index = index;
    *out = *link;
    return MR_OK;
}

/* [n], ['name'] or ["name"]; *next behind the bracket. */
static MrStatus bracket_read(const char *path, const char **next, MrString *name, int64_t *index,
                             MrError *err)
{
    const char *at = *next + 1;
    *index = -1;
    if (*at == '\'' || *at == '"') {
        const char *end = strchr(at + 1, *at);
        if (end == NULL || end[1] != ']') {
            return path_invalid(path, err);
        }
        *name = (MrString){ at + 1, (size_t)(end - at - 1) };
        *next = end + 2;
        return MR_OK;
    }
    int64_t value = 0;
    const char *digits = at;
    for (; *at >= '0' && *at <= '9' && at - digits < 10; at++) {
        value = value * 10 + (*at - '0');
    }
    if (at == digits || *at != ']') {
        return path_invalid(path, err);
    }
    *index = value;
    *next = at + 1;
    return MR_OK;
}

static MrStatus name_read(const char *path, const char **next, MrString *name, MrError *err)
{
    const char *at = *next + 1;
    if (*at == '"') {
        const char *end = strchr(at + 1, '"');
        if (end == NULL) {
            return path_invalid(path, err);
        }
        *name = (MrString){ at + 1, (size_t)(end - at - 1) };
        *next = end + 1;
        return MR_OK;
    }
    size_t length = strcspn(at, ".[");
    if (length == 0) {
        return path_invalid(path, err);
    }
    *name = (MrString){ at, length };
    *next = at + length;
    return MR_OK;
}

static MrStatus path_add(MrArena *arena, MrJsonPath *root, const MrCodecColumn *column,
                         MrJsonPath **out, MrError *err)
{
    const char *path = column->json_path;
    if (path == NULL) {
        return child_get(arena, root, mr_string(column->name), -1, out, err);
    }
    if (*path != '$') {
        return path_invalid(path, err);
    }
    MrJsonPath *node = root;
    int depth = 0;
    for (const char *next = path + 1; *next != '\0'; depth++) {
        MrString name = { "", 0 };
        int64_t index = -1;
        if (*next == '[') {
            MR_TRY(bracket_read(path, &next, &name, &index, err));
        } else if (*next == '.') {
            MR_TRY(name_read(path, &next, &name, err));
        } else {
            return path_invalid(path, err);
        }
        if (depth >= MR_JSON_DEPTH_MAX) {
            return path_invalid(path, err);
        }
        MR_TRY(child_get(arena, node, name, index, &node, err));
    }
    *out = node;
    return MR_OK;
}

MrStatus mr_json_paths_build(MrArena *arena, const MrCodecColumn *columns, uint32_t count,
                             MrJsonPath **out, MrError *err)
{
    MrJsonPath *root;
    MR_NEW(arena, root, err);
    root->index = -1;
    for (uint32_t i = 0; i < count; i++) {
        MrJsonPath *node = NULL;
        if (columns[i].target < 0) {
            continue;
        }
        MR_TRY(path_add(arena, root, &columns[i], &node, err));
        uint32_t *more;
        MR_NEW_ARRAY(arena, more, node->column_count + 1, err);
        if (node->column_count > 0) {
            memcpy(more, node->columns, sizeof *more * node->column_count);
        }
        more[node->column_count++] = i;
        node->columns = more;
    }
    *out = root;
    return MR_OK;
}
