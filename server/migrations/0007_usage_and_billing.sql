CREATE TYPE "public"."credit_kind" AS ENUM('messages_mini', 'messages_premium', 'indexed_pages');--> statement-breakpoint
CREATE TYPE "public"."subscription_status" AS ENUM('active', 'trialing', 'past_due', 'cancelled');--> statement-breakpoint
CREATE TYPE "public"."billing_event_type" AS ENUM('message', 'uncharged_cost', 'page', 'period_opened', 'plan_changed', 'usage_warning', 'credits_granted', 'credits_revoked', 'credits_expired', 'payment', 'refund');--> statement-breakpoint
CREATE TABLE "add_ons" (
	"id" uuid PRIMARY KEY NOT NULL,
	"code" text NOT NULL,
	"version" integer NOT NULL,
	"name" text NOT NULL,
	"kind" "credit_kind" NOT NULL,
	"quantity" integer NOT NULL,
	"price" numeric(12, 2) NOT NULL,
	"currency" text NOT NULL,
	"valid_days" integer,
	"is_offered" boolean DEFAULT true NOT NULL,
	"stripe_price_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "add_ons_code_version_unique" UNIQUE("code","version")
);
--> statement-breakpoint
CREATE TABLE "credit_grants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"add_on_id" uuid,
	"kind" "credit_kind" NOT NULL,
	"quantity" integer NOT NULL,
	"used" integer DEFAULT 0 NOT NULL,
	"reserved" integer DEFAULT 0 NOT NULL,
	"revoked" integer DEFAULT 0 NOT NULL,
	"expires_at" timestamp with time zone,
	"amount" numeric(12, 2),
	"currency" text,
	"idempotency_key" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invoices" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"stripe_invoice_id" text NOT NULL,
	"number" text,
	"status" text NOT NULL,
	"amount" numeric(12, 2) NOT NULL,
	"currency" text NOT NULL,
	"period_start" timestamp with time zone,
	"period_end" timestamp with time zone,
	"hosted_url" text,
	"stripe_event_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "plans" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" "plan_name" NOT NULL,
	"version" integer NOT NULL,
	"price" numeric(12, 2),
	"currency" text NOT NULL,
	"limit_chatbots" integer,
	"limit_messages_mini" integer,
	"limit_messages_premium" integer,
	"limit_indexed_pages" integer,
	"stripe_price_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "plans_name_version_unique" UNIQUE("name","version")
);
--> statement-breakpoint
CREATE TABLE "stripe_events" (
	"id" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"user_id" uuid,
	"outcome" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_meter_reports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"kind" "credit_kind" NOT NULL,
	"day" timestamp with time zone NOT NULL,
	"quantity" integer NOT NULL,
	"reported_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "subscriptions" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"status" "subscription_status" DEFAULT 'active' NOT NULL,
	"anchor" timestamp with time zone,
	"custom_limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"custom_price" numeric(12, 2),
	"spending_cap" numeric(18, 9),
	"human_ticket_cost" numeric(12, 2),
	"pending_plan" "plan_name",
	"pending_at" timestamp with time zone,
	"stripe_customer_id" text,
	"stripe_subscription_id" text,
	"stripe_event_at" timestamp with time zone,
	"trial_ends_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "billing_events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"project_id" uuid,
	"type" "billing_event_type" NOT NULL,
	"reason" text NOT NULL,
	"quantity" integer NOT NULL,
	"tier" "message_tier",
	"period_id" uuid,
	"credit_grant_id" uuid,
	"cost" numeric(18, 9) DEFAULT '0' NOT NULL,
	"amount" numeric(18, 9),
	"currency" text,
	"idempotency_key" text NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_periods" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"period_start" timestamp with time zone NOT NULL,
	"period_end" timestamp with time zone NOT NULL,
	"plan_id" uuid NOT NULL,
	"limit_chatbots" integer,
	"limit_messages_mini" integer,
	"limit_messages_premium" integer,
	"limit_indexed_pages" integer,
	"spending_cap" numeric(18, 9),
	"used_messages_mini" integer DEFAULT 0 NOT NULL,
	"used_messages_premium" integer DEFAULT 0 NOT NULL,
	"reserved_messages_mini" integer DEFAULT 0 NOT NULL,
	"reserved_messages_premium" integer DEFAULT 0 NOT NULL,
	"processed_pages" integer DEFAULT 0 NOT NULL,
	"cost" numeric(18, 9) DEFAULT '0' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_reservations" (
	"message_id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"period_id" uuid NOT NULL,
	"tier" "message_tier" NOT NULL,
	"credit_grant_id" uuid,
	"process_id" uuid NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_tracking" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"project_id" uuid NOT NULL,
	"period_start" timestamp with time zone NOT NULL,
	"messages_mini" integer DEFAULT 0 NOT NULL,
	"messages_premium" integer DEFAULT 0 NOT NULL,
	"indexed_pages" integer DEFAULT 0 NOT NULL,
	"cost" numeric(18, 9) DEFAULT '0' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "charged" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "charge_reason" text;--> statement-breakpoint
ALTER TABLE "credit_grants" ADD CONSTRAINT "credit_grants_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_grants" ADD CONSTRAINT "credit_grants_add_on_id_add_ons_id_fk" FOREIGN KEY ("add_on_id") REFERENCES "public"."add_ons"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stripe_meter_reports" ADD CONSTRAINT "stripe_meter_reports_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_periods" ADD CONSTRAINT "usage_periods_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_periods" ADD CONSTRAINT "usage_periods_plan_id_plans_id_fk" FOREIGN KEY ("plan_id") REFERENCES "public"."plans"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_reservations" ADD CONSTRAINT "usage_reservations_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_reservations" ADD CONSTRAINT "usage_reservations_period_id_usage_periods_id_fk" FOREIGN KEY ("period_id") REFERENCES "public"."usage_periods"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_reservations" ADD CONSTRAINT "usage_reservations_credit_grant_id_credit_grants_id_fk" FOREIGN KEY ("credit_grant_id") REFERENCES "public"."credit_grants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_tracking" ADD CONSTRAINT "usage_tracking_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "credit_grants_key_unique" ON "credit_grants" USING btree ("idempotency_key");--> statement-breakpoint
CREATE INDEX "credit_grants_user" ON "credit_grants" USING btree ("user_id","kind","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "invoices_stripe_unique" ON "invoices" USING btree ("stripe_invoice_id");--> statement-breakpoint
CREATE INDEX "invoices_user" ON "invoices" USING btree ("user_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "stripe_meter_reports_unique" ON "stripe_meter_reports" USING btree ("user_id","kind","day");--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_stripe_customer_unique" ON "subscriptions" USING btree ("stripe_customer_id");--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_stripe_subscription_unique" ON "subscriptions" USING btree ("stripe_subscription_id");--> statement-breakpoint
CREATE INDEX "subscriptions_pending" ON "subscriptions" USING btree ("pending_at") WHERE pending_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "billing_events_key_unique" ON "billing_events" USING btree ("idempotency_key");--> statement-breakpoint
CREATE INDEX "billing_events_user" ON "billing_events" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "billing_events_project" ON "billing_events" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "billing_events_period" ON "billing_events" USING btree ("period_id","type");--> statement-breakpoint
CREATE UNIQUE INDEX "usage_periods_start_unique" ON "usage_periods" USING btree ("user_id","period_start");--> statement-breakpoint
CREATE INDEX "usage_reservations_expiry" ON "usage_reservations" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "usage_tracking_unique" ON "usage_tracking" USING btree ("user_id","period_start","project_id");--> statement-breakpoint
CREATE TRIGGER "billing_events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "billing_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();
--> statement-breakpoint
INSERT INTO "plans" ("id", "name", "version", "price", "currency", "limit_chatbots", "limit_messages_mini", "limit_messages_premium", "limit_indexed_pages") VALUES
  ('01900000-0000-7000-8000-000000000001', 'free', 1, 0, 'USD', 3, 1000, 100, 100),
  ('01900000-0000-7000-8000-000000000002', 'pro', 1, 49, 'USD', 50, 100000, 10000, 10000),
  ('01900000-0000-7000-8000-000000000003', 'enterprise', 1, NULL, 'USD', NULL, NULL, NULL, NULL);
--> statement-breakpoint
INSERT INTO "add_ons" ("id", "code", "version", "name", "kind", "quantity", "price", "currency", "valid_days") VALUES
  ('01900000-0000-7000-8000-000000000011', 'mini-1000', 1, '1,000 mini messages', 'messages_mini', 1000, 5, 'USD', 365),
  ('01900000-0000-7000-8000-000000000012', 'premium-100', 1, '100 premium messages', 'messages_premium', 100, 5, 'USD', 365),
  ('01900000-0000-7000-8000-000000000013', 'pages-1000', 1, '1,000 indexed pages', 'indexed_pages', 1000, 10, 'USD', 365);
