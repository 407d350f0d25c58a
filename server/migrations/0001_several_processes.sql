CREATE TYPE "public"."model_fallback" AS ENUM('extractive', 'refusal');--> statement-breakpoint
CREATE TABLE "processes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"host" text NOT NULL,
	"version" text NOT NULL,
	"alive_until" timestamp with time zone NOT NULL,
	"steady_since" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"next_run_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "process_id" uuid;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD COLUMN "process_id" uuid;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "rung_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "traceparent" text;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "model_fallback" "model_fallback" DEFAULT 'extractive' NOT NULL;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "index_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "processes_alive" ON "processes" USING btree ("alive_until");