CREATE TYPE "public"."evaluation_status" AS ENUM('queued', 'running', 'complete', 'failed');--> statement-breakpoint
CREATE TYPE "public"."test_case_origin" AS ENUM('manual', 'csv', 'feedback');--> statement-breakpoint
CREATE TYPE "public"."test_expectation" AS ENUM('answer', 'refuse');--> statement-breakpoint
CREATE TABLE "message_traces" (
	"message_id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"trace" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "evaluation_results" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"test_case_id" uuid NOT NULL,
	"variant" integer NOT NULL,
	"question" text NOT NULL,
	"result" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "evaluation_results_case_unique" UNIQUE("project_id","run_id","test_case_id","variant")
);
--> statement-breakpoint
CREATE TABLE "evaluation_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"test_set_id" uuid NOT NULL,
	"status" "evaluation_status" DEFAULT 'queued' NOT NULL,
	"variants" jsonb NOT NULL,
	"total" integer DEFAULT 0 NOT NULL,
	"done" integer DEFAULT 0 NOT NULL,
	"metrics" jsonb,
	"error" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "evaluation_runs_project_id_unique" UNIQUE("project_id","id")
);
--> statement-breakpoint
CREATE TABLE "test_cases" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"test_set_id" uuid NOT NULL,
	"question" text NOT NULL,
	"expectation" "test_expectation" NOT NULL,
	"expected_source_id" uuid,
	"expected_text" text,
	"origin" "test_case_origin" NOT NULL,
	"message_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "test_cases_project_id_unique" UNIQUE("project_id","id")
);
--> statement-breakpoint
CREATE TABLE "test_sets" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "test_sets_project_id_unique" UNIQUE("project_id","id")
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "sentences" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "feedback" jsonb;--> statement-breakpoint
ALTER TABLE "document_chunks" ADD COLUMN "language" text;--> statement-breakpoint
ALTER TABLE "document_chunks" ADD COLUMN "terms" text;--> statement-breakpoint
ALTER TABLE "document_chunks" ADD COLUMN "instruction_score" real;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "retrieval_options" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "answer_options" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "calibrated_score" double precision;--> statement-breakpoint
ALTER TABLE "message_traces" ADD CONSTRAINT "message_traces_message_fk" FOREIGN KEY ("project_id","message_id") REFERENCES "public"."messages"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluation_results" ADD CONSTRAINT "evaluation_results_run_fk" FOREIGN KEY ("project_id","run_id") REFERENCES "public"."evaluation_runs"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluation_runs" ADD CONSTRAINT "evaluation_runs_set_fk" FOREIGN KEY ("project_id","test_set_id") REFERENCES "public"."test_sets"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "test_cases" ADD CONSTRAINT "test_cases_set_fk" FOREIGN KEY ("project_id","test_set_id") REFERENCES "public"."test_sets"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "test_sets" ADD CONSTRAINT "test_sets_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "evaluation_runs_set" ON "evaluation_runs" USING btree ("project_id","test_set_id","id");--> statement-breakpoint
CREATE INDEX "test_cases_set" ON "test_cases" USING btree ("project_id","test_set_id","id");