/*
 * server/role_statements.c - CREATE, ALTER and DROP ROLE: who may log in, with which password.
 * What a role may do is not restricted yet, so options that promise that are refused.
 */
#include "server/statement.h"

#include <stdio.h>
#include <string.h>

/* ---- Options --------------------------------------------------------------------------------- */

static MrStatus refuse_option(const MrAstOption *option, MrError *err)
{
    static const char *const rights[] = { "superuser",     "nosuperuser", "createdb",
                                          "nocreatedb",    "createrole",  "nocreaterole",
                                          "inherit",       "noinherit",   "replication",
                                          "noreplication", "bypassrls",   "nobypassrls",
                                          "valid" };
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        if (strcmp(option->name, rights[i]) == 0) {
            mr_error_set(err, MR_ERR_UNSUPPORTED, "role option %s is not supported yet",
                         option->name);
            mr_error_at(err, option->base.position);
            return mr_error_hint(err, "LOGIN, NOLOGIN and PASSWORD are.");
        }
    }
    mr_error_set(err, MR_ERR_SYNTAX, "unrecognized role option \"%s\"", option->name);
    return mr_error_at(err, option->base.position);
}

/* A password in clear, or the verifier that another server has made of one. */
static MrStatus set_password(MrRole *role, const MrAstOption *option, MrError *err)
{
    if (option->value == MR_OPTION_NONE) {
        mr_error_set(err, MR_ERR_SYNTAX, "PASSWORD wants a text or NULL");
        return mr_error_at(err, option->base.position);
    }
    role->has_password = option->value == MR_OPTION_STRING && option->text[0] != '\0';
    if (!role->has_password) {
        return MR_OK; /* an empty one opens nothing, as in PostgreSQL */
    }
    if (strncmp(option->text, "SCRAM-SHA-256$", 14) == 0 &&
        mr_scram_parse(mr_string(option->text), &role->verifier)) {
        return MR_OK;
    }
    return mr_scram_verifier(mr_string(option->text), &role->verifier, err);
}

static MrStatus apply_options(const MrNodeList *options, MrRole *role, MrError *err)
{
    bool has_login = false, has_password = false;
    for (uint32_t i = 0; i < options->count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, options->items[i]);
        bool is_login = strcmp(option->name, "login") == 0, *seen;
        if (strcmp(option->name, "encrypted") == 0 && option->value == MR_OPTION_NONE) {
            continue; /* it always is */
        }
        if (is_login || strcmp(option->name, "nologin") == 0) {
            role->can_login = is_login;
            seen = &has_login;
        } else if (strcmp(option->name, "password") == 0) {
            MR_TRY(set_password(role, option, err));
            seen = &has_password;
        } else {
            return refuse_option(option, err);
        }
        if (*seen) {
            mr_error_set(err, MR_ERR_SYNTAX, "conflicting or redundant options");
            return mr_error_at(err, option->base.position);
        }
        *seen = true;
    }
    return MR_OK;
}

/* ---- Statements ------------------------------------------------------------------------------ */

MrStatus mr_role_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstRole *ast = MR_AST_AS(const MrAstRole, portal->node);
    MrRoles *roles = session->server->access.roles;
    const MrRole *known = mr_roles_find(roles, ast->name);
    const bool is_new = ast->base.kind == MR_AST_CREATE_ROLE;
    MrRole role = { .name = (char *)ast->name, .can_login = ast->is_user };
    if (is_new && known != NULL) {
        return mr_error_set(err, MR_ERR_DUPLICATE_OBJECT, "role \"%s\" already exists", ast->name);
    }
    if (is_new && (strcmp(ast->name, "public") == 0 || strcmp(ast->name, "none") == 0 ||
                   strncmp(ast->name, "pg_", 3) == 0)) {
        return mr_error_set(err, MR_ERR_RESERVED_NAME, "role name \"%s\" is reserved", ast->name);
    }
    if (!is_new) {
        if (known == NULL) {
            return mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "role \"%s\" does not exist",
                                ast->name);
        }
        role = *known;
    }
    MrStatus status = apply_options(&ast->options, &role, err);
    if (status == MR_OK) {
        status = mr_roles_put(roles, &role, err);
    }
    explicit_bzero(&role, sizeof role);
    MR_TRY(status);
    mr_portal_set_done(portal, is_new ? "CREATE ROLE" : "ALTER ROLE");
    return MR_OK;
}

MrStatus mr_drop_role_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstDropRole *ast = MR_AST_AS(const MrAstDropRole, portal->node);
    MrRoles *roles = session->server->access.roles;
    for (uint32_t i = 0; i < ast->names.count; i++) {
        const char *name = ast->names.items[i];
        if (mr_roles_find(roles, name) != NULL) {
            continue;
        }
        if (!ast->if_exists) {
            return mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
        }
        char message[128];
        snprintf(message, sizeof message, "role \"%s\" does not exist, skipping", name);
        mr_session_notice(session, "NOTICE", "00000", message, NULL);
    }
    for (uint32_t i = 0; i < ast->names.count; i++) {
        MR_TRY(mr_roles_remove(roles, ast->names.items[i], err));
    }
    mr_portal_set_done(portal, "DROP ROLE");
    return MR_OK;
}
