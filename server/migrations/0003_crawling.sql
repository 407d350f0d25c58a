CREATE TYPE "public"."page_status" AS ENUM('queued', 'indexed', 'unchanged', 'skipped', 'failed');--> statement-breakpoint
ALTER TYPE "public"."source_type" ADD VALUE 'qa';--> statement-breakpoint
CREATE TABLE "crawl_hosts" (
	"origin" text PRIMARY KEY NOT NULL,
	"robots" text DEFAULT '' NOT NULL,
	"robots_status" integer NOT NULL,
	"robots_read_at" timestamp with time zone NOT NULL,
	"next_visit_at" timestamp with time zone,
	"blocked_until" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "question_answers" (
	"project_id" uuid NOT NULL,
	"chunk_id" uuid PRIMARY KEY NOT NULL,
	"question_key" text NOT NULL,
	"answer_start" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "source_pages" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"source_id" uuid NOT NULL,
	"key" text NOT NULL,
	"url" text,
	"title" text,
	"status" "page_status" DEFAULT 'queued' NOT NULL,
	"reason" text,
	"detail" text,
	"depth" integer DEFAULT 0 NOT NULL,
	"sync" integer NOT NULL,
	"is_forced" boolean DEFAULT false NOT NULL,
	"etag" text,
	"last_modified" text,
	"body_hash" text,
	"reader_key" text,
	"text_hash" text,
	"bytes" integer,
	"language" text,
	"chunk_count" integer DEFAULT 0 NOT NULL,
	"visited_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "source_pages_key_unique" UNIQUE("project_id","source_id","key")
);
--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "embedding_model" text;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "sync_every" text;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "next_sync_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "sync" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "sync_phase" text;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "is_sync_wanted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "crawl" jsonb;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "counts" jsonb;--> statement-breakpoint
ALTER TABLE "sources" ADD COLUMN "last_sync" jsonb;--> statement-breakpoint
ALTER TABLE "question_answers" ADD CONSTRAINT "question_answers_chunk_fk" FOREIGN KEY ("project_id","chunk_id") REFERENCES "public"."document_chunks"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "source_pages" ADD CONSTRAINT "source_pages_source_fk" FOREIGN KEY ("project_id","source_id") REFERENCES "public"."sources"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "question_answers_question" ON "question_answers" USING btree ("project_id","question_key");--> statement-breakpoint
CREATE INDEX "source_pages_status" ON "source_pages" USING btree ("project_id","source_id","status","id");--> statement-breakpoint
CREATE INDEX "source_pages_frontier" ON "source_pages" USING btree ("project_id","depth","id") WHERE status = 'queued';--> statement-breakpoint
CREATE UNIQUE INDEX "source_pages_text_unique" ON "source_pages" USING btree ("project_id","source_id","text_hash") WHERE text_hash is not null;