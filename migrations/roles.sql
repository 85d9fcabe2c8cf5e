-- The three roles, and what they may do in this database, before the first migration.
--
-- A superuser runs it once for each database; running it again changes nothing:
--
--     createdb connector
--     psql --set ON_ERROR_STOP=1 --single-transaction --dbname connector --file migrations/roles.sql
--
-- It holds no password: ALTER ROLE owner PASSWORD '...'; ALTER ROLE service PASSWORD '...';
--
--   owner      owns the tables and runs the migrations          MIGRATION_DATABASE_URL
--   service    the product: sees the rows of one tenant          DATABASE_URL
--   scheduler  sees whose turn it is, across tenants; nobody logs in as scheduler, service takes the role by SET ROLE

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'owner') THEN
    CREATE ROLE owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'service') THEN
    -- NOINHERIT: what scheduler may see, service sees only after it has said SET ROLE scheduler.
    CREATE ROLE service LOGIN NOINHERIT;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scheduler') THEN
    CREATE ROLE scheduler NOLOGIN;
  END IF;

  IF NOT pg_has_role('service', 'scheduler', 'MEMBER') THEN
    GRANT scheduler TO service;
  END IF;
  IF NOT pg_has_role('owner', 'scheduler', 'MEMBER') THEN
    GRANT scheduler TO owner;
  END IF;

  -- Roles that were there before must be as narrow as those made here, else row-level security protects nobody.
  IF EXISTS (
    SELECT FROM pg_roles
    WHERE rolname IN ('owner', 'service', 'scheduler') AND (rolsuper OR rolbypassrls)
  ) THEN
    RAISE EXCEPTION 'owner, service and scheduler must be neither SUPERUSER nor BYPASSRLS';
  END IF;
  IF pg_has_role('service', 'scheduler', 'USAGE') OR pg_has_role('service', 'owner', 'MEMBER') THEN
    RAISE EXCEPTION 'service must not inherit scheduler (NOINHERIT), nor be a member of owner';
  END IF;

  EXECUTE format('ALTER DATABASE %I OWNER TO owner', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO owner;
GRANT USAGE ON SCHEMA public TO service, scheduler;

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
