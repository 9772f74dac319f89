/*
 * server/roles.c - the roles there are: see roles.h.
 */
#include "server/roles.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct MrRoles {
    MrCatalogStore *store;
    uint64_t version;
    MrRole *items; /* by name */
    uint32_t count, capacity;
    uint8_t login_key[MR_SCRAM_KEY_BYTES];
};

/* Place of the name, or where it would stand. */
static uint32_t place_of(const MrRoles *roles, const char *name, bool *found)
{
    uint32_t low = 0, high = roles->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(roles->items[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = low < roles->count && strcmp(roles->items[low].name, name) == 0;
    return low;
}

static MrStatus remember(MrRoles *roles, const MrRole *role, MrError *err)
{
    bool found;
    uint32_t at = place_of(roles, role->name, &found);
    if (!found) {
        char *name = strdup(role->name);
        if (name != NULL && roles->count == roles->capacity) {
            uint32_t capacity = roles->capacity == 0 ? 8 : roles->capacity * 2;
            MrRole *items = realloc(roles->items, capacity * sizeof *items);
            if (items != NULL) {
                roles->items = items;
                roles->capacity = capacity;
            }
        }
        if (name == NULL || roles->count == roles->capacity) {
            free(name);
            return mr_error_no_memory(err);
        }
        memmove(&roles->items[at + 1], &roles->items[at],
                (roles->count - at) * sizeof *roles->items);
        roles->count++;
        roles->items[at].name = name;
    }
    char *name = roles->items[at].name;
    roles->items[at] = *role;
    roles->items[at].name = name;
    return MR_OK;
}

static MrStatus load_role(void *context, const MrCatalogRole *stored, MrError *err)
{
    MrRole role = { .name = (char *)stored->name, .can_login = stored->can_login };
    if (stored->verifier[0] != '\0') {
        role.has_password = mr_scram_parse(mr_string(stored->verifier), &role.verifier);
        if (!role.has_password) {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "the catalogue's password of role \"%s\" cannot be read",
                                stored->name);
        }
    }
    return remember(context, &role, err);
}

MrStatus mr_roles_load(MrCatalogStore *store, MrRoles **out, MrError *err)
{
    MrRoles *roles = calloc(1, sizeof *roles);
    *out = NULL;
    if (roles == NULL) {
        return mr_error_no_memory(err);
    }
    roles->store = store;
    MrStatus status = mr_catalog_store_login_key(store, roles->login_key, err);
    if (status == MR_OK) {
        status = mr_catalog_store_each_role(store, load_role, roles, err);
    }
    if (status != MR_OK) {
        mr_roles_destroy(roles);
        return status;
    }
    *out = roles;
    return MR_OK;
}

void mr_roles_destroy(MrRoles *roles)
{
    if (roles == NULL) {
        return;
    }
    for (uint32_t i = 0; i < roles->count; i++) {
        free(roles->items[i].name);
    }
    if (roles->items != NULL) {
        OPENSSL_cleanse(roles->items, roles->capacity * sizeof *roles->items);
    }
    free(roles->items);
    free(roles);
}

const MrRole *mr_roles_find(const MrRoles *roles, const char *name)
{
    bool found;
    uint32_t at = place_of(roles, name, &found);
    return found ? &roles->items[at] : NULL;
}

uint32_t mr_roles_count(const MrRoles *roles)
{
    return roles->count;
}

const MrRole *mr_roles_at(const MrRoles *roles, uint32_t index)
{
    return &roles->items[index];
}

bool mr_roles_have_password(const MrRoles *roles)
{
    for (uint32_t i = 0; i < roles->count; i++) {
        if (roles->items[i].has_password) {
            return true;
        }
    }
    return false;
}

uint64_t mr_roles_version(const MrRoles *roles)
{
    return roles->version;
}

MrStatus mr_roles_put(MrRoles *roles, const MrRole *role, MrError *err)
{
    MrBuilder verifier;
    roles->version++;
    mr_builder_init(&verifier, 0);
    if (role->has_password) {
        mr_scram_print(&role->verifier, &verifier);
    }
    const char *text = mr_builder_text(&verifier);
    MrStatus status = text == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK) {
        MrCatalogRole stored = { .name = role->name,
                                 .can_login = role->can_login,
                                 .verifier = text };
        status = mr_catalog_store_put_role(roles->store, &stored, err);
    }
    mr_builder_fini(&verifier);
    return status == MR_OK ? remember(roles, role, err) : status;
}

MrStatus mr_roles_remove(MrRoles *roles, const char *name, MrError *err)
{
    bool found;
    roles->version++;
    MR_TRY(mr_catalog_store_remove_role(roles->store, name, err));
    uint32_t at = place_of(roles, name, &found);
    if (found) {
        free(roles->items[at].name);
        roles->count--;
        memmove(&roles->items[at], &roles->items[at + 1],
                (roles->count - at) * sizeof *roles->items);
    }
    return MR_OK;
}

void mr_roles_verifier(const MrRoles *roles, const char *name, MrScramVerifier *out)
{
    const MrRole *role = mr_roles_find(roles, name);
    if (role != NULL && role->can_login && role->has_password) {
        *out = role->verifier;
    } else {
        mr_scram_invented(mr_string(name), roles->login_key, out);
    }
}
