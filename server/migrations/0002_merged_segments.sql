-- A version that does not know parts finds nothing of a merged segment: the first merge comes an hour after the first
-- worker of this version, so that the roll-out has ended by then.
CREATE TABLE "lexical_segment_parts" (
	"project_id" uuid NOT NULL,
	"segment_id" uuid NOT NULL,
	"first_ordinal" integer NOT NULL,
	"chunk_count" integer NOT NULL,
	"length_sum" integer NOT NULL,
	"document_id" uuid NOT NULL,
	"version" integer NOT NULL,
	CONSTRAINT "lexical_segment_parts_project_id_segment_id_first_ordinal_pk" PRIMARY KEY("project_id","segment_id","first_ordinal")
);
--> statement-breakpoint
ALTER TABLE "lexical_segments" ALTER COLUMN "document_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lexical_segments" ALTER COLUMN "version" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lexical_segment_parts" ADD CONSTRAINT "lexical_segment_parts_segment_fk" FOREIGN KEY ("project_id","segment_id") REFERENCES "public"."lexical_segments"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lexical_segment_parts" ADD CONSTRAINT "lexical_segment_parts_document_fk" FOREIGN KEY ("project_id","document_id") REFERENCES "public"."documents"("project_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "lexical_segment_parts_document" ON "lexical_segment_parts" USING btree ("project_id","document_id");--> statement-breakpoint
ALTER TABLE "lexical_segments" ADD CONSTRAINT "lexical_segments_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action NOT VALID;