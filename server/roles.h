/*
 * server/roles.h - the roles there are, in memory, beside the catalogue that keeps them.
 * Only on the event loop's thread.
 */
#ifndef MR_SERVER_ROLES_H
#define MR_SERVER_ROLES_H

#include "server/scram.h"
#include "storage/catalog_store.h"

typedef struct MrRole {
    char *name;
    bool can_login, has_password;
    MrScramVerifier verifier;
} MrRole;

typedef struct MrRoles MrRoles;

MrStatus mr_roles_load(MrCatalogStore *store, MrRoles **out, MrError *err); /* keeps the store */
void mr_roles_destroy(MrRoles *roles);                                      /* accepts NULL */
const MrRole *mr_roles_find(const MrRoles *roles,
                            const char *name); /* NULL: none; until the next change */
/* By name. */
uint32_t mr_roles_count(const MrRoles *roles);
const MrRole *mr_roles_at(const MrRoles *roles, uint32_t index);
/* Whether some role has a password: from then on loopback wants one. */
bool mr_roles_have_password(const MrRoles *roles);
/* Another number after every change. */
uint64_t mr_roles_version(const MrRoles *roles);
/* Stored first, then known. */
MrStatus mr_roles_put(MrRoles *roles, const MrRole *role, MrError *err);
MrStatus mr_roles_remove(MrRoles *roles, const char *name, MrError *err);
/* What a login as `name` is checked against; for a name that may not log in one that nothing
 * fits. */
void mr_roles_verifier(const MrRoles *roles, const char *name, MrScramVerifier *out);

#endif
