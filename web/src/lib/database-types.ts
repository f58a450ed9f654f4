export type Json = string | number | boolean | null | {
  [key: string]: Json | undefined;
} | Json[];

export type Database = {
  "public": {
    Tables: {
      "access_log": {
        Row: {
          "acted_as": string | null;
          "action": Database["public"]["Enums"]["access_action"];
          "actor_id": string | null;
          "actor_role": string;
          "address_hash": string | null;
          "agent_hash": string | null;
          "changed_columns": (string)[] | null;
          "clinic_id": string;
          "happened_at": string;
          "id": number;
          "patient_id": string | null;
          "subject": string;
          "subject_id": string;
        };
        ComputedFields: never;
        Insert: {
          "acted_as"?: string | null;
          "action": Database["public"]["Enums"]["access_action"];
          "actor_id"?: string | null;
          "actor_role": string;
          "address_hash"?: string | null;
          "agent_hash"?: string | null;
          "changed_columns"?: (string)[] | null;
          "clinic_id": string;
          "happened_at"?: string;
          "id"?: never;
          "patient_id"?: string | null;
          "subject": string;
          "subject_id": string;
        };
        Update: {
          "acted_as"?: string | null;
          "action"?: Database["public"]["Enums"]["access_action"];
          "actor_id"?: string | null;
          "actor_role"?: string;
          "address_hash"?: string | null;
          "agent_hash"?: string | null;
          "changed_columns"?: (string)[] | null;
          "clinic_id"?: string;
          "happened_at"?: string;
          "id"?: never;
          "patient_id"?: string | null;
          "subject"?: string;
          "subject_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "access_log_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "appointment_events": {
        Row: {
          "actor_id": string | null;
          "actor_role": string;
          "after": Json | null;
          "appointment_id": string;
          "before": Json | null;
          "clinic_id": string;
          "happened_at": string;
          "hash": string;
          "id": number;
          "kind": Database["public"]["Enums"]["appointment_event_kind"];
          "prev_hash": string | null;
          "transaction_id": unknown;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "actor_id"?: string | null;
          "actor_role": string;
          "after"?: Json | null;
          "appointment_id": string;
          "before"?: Json | null;
          "clinic_id": string;
          "happened_at"?: string;
          "hash": string;
          "id"?: never;
          "kind": Database["public"]["Enums"]["appointment_event_kind"];
          "prev_hash"?: string | null;
          "transaction_id"?: unknown;
          "version": number;
        };
        Update: {
          "actor_id"?: string | null;
          "actor_role"?: string;
          "after"?: Json | null;
          "appointment_id"?: string;
          "before"?: Json | null;
          "clinic_id"?: string;
          "happened_at"?: string;
          "hash"?: string;
          "id"?: never;
          "kind"?: Database["public"]["Enums"]["appointment_event_kind"];
          "prev_hash"?: string | null;
          "transaction_id"?: unknown;
          "version"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "appointment_events_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "appointment_follow_ups": {
        Row: {
          "appointment_id": string | null;
          "clinic_id": string;
          "created_at": string;
          "id": number;
          "kind": Database["public"]["Enums"]["follow_up_kind"];
          "resolved_at": string | null;
          "session_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "appointment_id"?: string | null;
          "clinic_id": string;
          "created_at"?: string;
          "id"?: never;
          "kind": Database["public"]["Enums"]["follow_up_kind"];
          "resolved_at"?: string | null;
          "session_id"?: string | null;
        };
        Update: {
          "appointment_id"?: string | null;
          "clinic_id"?: string;
          "created_at"?: string;
          "id"?: never;
          "kind"?: Database["public"]["Enums"]["follow_up_kind"];
          "resolved_at"?: string | null;
          "session_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "appointment_follow_ups_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "appointments";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointment_follow_ups_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "attendance";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "appointment_follow_ups_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "today_by_provider";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "appointment_follow_ups_session_is_of_clinic";
            columns: ["clinic_id", "session_id"];
            isOneToOne: false;
            referencedRelation: "group_sessions";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "appointment_reasons": {
        Row: {
          "appointment_id": string;
          "clinic_id": string;
          "created_at": string;
          "id": number;
          "kind": Database["public"]["Enums"]["reason_kind"];
          "patient_id": string;
          "reason": string;
          "written_by": string | null;
        };
        ComputedFields: never;
        Insert: {
          "appointment_id": string;
          "clinic_id": string;
          "created_at"?: string;
          "id"?: never;
          "kind": Database["public"]["Enums"]["reason_kind"];
          "patient_id": string;
          "reason": string;
          "written_by"?: string | null;
        };
        Update: {
          "appointment_id"?: string;
          "clinic_id"?: string;
          "created_at"?: string;
          "id"?: never;
          "kind"?: Database["public"]["Enums"]["reason_kind"];
          "patient_id"?: string;
          "reason"?: string;
          "written_by"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "appointment_reasons_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "appointments";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointment_reasons_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "attendance";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "appointment_reasons_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "today_by_provider";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "appointment_reasons_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "appointment_series": {
        Row: {
          "booked_by": string | null;
          "clinic_id": string;
          "created_at": string;
          "id": string;
          "mode": Database["public"]["Enums"]["series_mode"];
          "patient_id": string;
          "provider_id": string | null;
          "request_id": string | null;
          "rule": string;
          "service_id": string;
          "starts_at": string;
          "time_zone": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "booked_by"?: string | null;
          "clinic_id": string;
          "created_at"?: string;
          "id"?: string;
          "mode": Database["public"]["Enums"]["series_mode"];
          "patient_id": string;
          "provider_id"?: string | null;
          "request_id"?: string | null;
          "rule": string;
          "service_id": string;
          "starts_at": string;
          "time_zone": string;
          "updated_at"?: string;
        };
        Update: {
          "booked_by"?: string | null;
          "clinic_id"?: string;
          "created_at"?: string;
          "id"?: string;
          "mode"?: Database["public"]["Enums"]["series_mode"];
          "patient_id"?: string;
          "provider_id"?: string | null;
          "request_id"?: string | null;
          "rule"?: string;
          "service_id"?: string;
          "starts_at"?: string;
          "time_zone"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "appointment_series_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "appointment_series_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointment_series_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointment_series_service_is_of_clinic";
            columns: ["clinic_id", "service_id"];
            isOneToOne: false;
            referencedRelation: "services";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "appointments": {
        Row: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "booked_by"?: string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late"?: boolean;
          "clinic_id": string;
          "created_at"?: string;
          "ends_at": string;
          "external_id"?: string | null;
          "hold_expires_at"?: string | null;
          "id"?: string;
          "location_id": string;
          "overbook_reason"?: string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id"?: string | null;
          "series_id"?: string | null;
          "service_id": string;
          "session_id"?: string | null;
          "starts_at": string;
          "status"?: Database["public"]["Enums"]["appointment_status"];
          "updated_at"?: string;
          "version"?: number;
        };
        Update: {
          "booked_by"?: string | null;
          "booked_via"?: Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes"?: number;
          "buffer_before_minutes"?: number;
          "cancelled_late"?: boolean;
          "clinic_id"?: string;
          "created_at"?: string;
          "ends_at"?: string;
          "external_id"?: string | null;
          "hold_expires_at"?: string | null;
          "id"?: string;
          "location_id"?: string;
          "overbook_reason"?: string | null;
          "patient_id"?: string;
          "provider_id"?: string;
          "request_id"?: string | null;
          "series_id"?: string | null;
          "service_id"?: string;
          "session_id"?: string | null;
          "starts_at"?: string;
          "status"?: Database["public"]["Enums"]["appointment_status"];
          "updated_at"?: string;
          "version"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "appointments_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "appointments_location_is_of_clinic";
            columns: ["clinic_id", "location_id"];
            isOneToOne: false;
            referencedRelation: "locations";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointments_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointments_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointments_series_is_of_clinic";
            columns: ["clinic_id", "series_id"];
            isOneToOne: false;
            referencedRelation: "appointment_series";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointments_service_is_of_clinic";
            columns: ["clinic_id", "service_id"];
            isOneToOne: false;
            referencedRelation: "services";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointments_session_is_of_clinic";
            columns: ["clinic_id", "session_id"];
            isOneToOne: false;
            referencedRelation: "group_sessions";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "availability_exceptions": {
        Row: {
          "clinic_id": string;
          "closes": string | null;
          "created_at": string;
          "ends_on": string;
          "external_id": string | null;
          "id": string;
          "kind": Database["public"]["Enums"]["availability_exception_kind"];
          "location_id": string | null;
          "opens": string | null;
          "provider_id": string | null;
          "reason": string | null;
          "starts_on": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "closes"?: string | null;
          "created_at"?: string;
          "ends_on": string;
          "external_id"?: string | null;
          "id"?: string;
          "kind"?: Database["public"]["Enums"]["availability_exception_kind"];
          "location_id"?: string | null;
          "opens"?: string | null;
          "provider_id"?: string | null;
          "reason"?: string | null;
          "starts_on": string;
          "updated_at"?: string;
        };
        Update: {
          "clinic_id"?: string;
          "closes"?: string | null;
          "created_at"?: string;
          "ends_on"?: string;
          "external_id"?: string | null;
          "id"?: string;
          "kind"?: Database["public"]["Enums"]["availability_exception_kind"];
          "location_id"?: string | null;
          "opens"?: string | null;
          "provider_id"?: string | null;
          "reason"?: string | null;
          "starts_on"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "availability_exceptions_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "availability_exceptions_location_is_of_clinic";
            columns: ["clinic_id", "location_id"];
            isOneToOne: false;
            referencedRelation: "locations";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "availability_exceptions_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "busy_blocks": {
        Row: {
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "id": string;
          "outside_calendar_id": string;
          "provider_id": string;
          "starts_at": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "created_at"?: string;
          "ends_at": string;
          "id"?: string;
          "outside_calendar_id": string;
          "provider_id": string;
          "starts_at": string;
        };
        Update: {
          "clinic_id"?: string;
          "created_at"?: string;
          "ends_at"?: string;
          "id"?: string;
          "outside_calendar_id"?: string;
          "provider_id"?: string;
          "starts_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "busy_blocks_calendar_is_of_provider";
            columns: ["clinic_id", "outside_calendar_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "outside_calendars";
            referencedColumns: ["clinic_id", "id", "provider_id"];
          },
          {
            foreignKeyName: "busy_blocks_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "calendar_feeds": {
        Row: {
          "clinic_id": string;
          "created_at": string;
          "details": Database["public"]["Enums"]["feed_details"];
          "id": string;
          "patient_id": string | null;
          "provider_id": string | null;
          "revoked_at": string | null;
          "token_hash": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "created_at"?: string;
          "details"?: Database["public"]["Enums"]["feed_details"];
          "id"?: string;
          "patient_id"?: string | null;
          "provider_id"?: string | null;
          "revoked_at"?: string | null;
          "token_hash": string;
          "user_id": string;
        };
        Update: {
          "clinic_id"?: string;
          "created_at"?: string;
          "details"?: Database["public"]["Enums"]["feed_details"];
          "id"?: string;
          "patient_id"?: string | null;
          "provider_id"?: string | null;
          "revoked_at"?: string | null;
          "token_hash"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "calendar_feeds_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "calendar_feeds_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "clinics": {
        Row: {
          "audit_retention_days": number;
          "books_publicly": boolean;
          "clock_hours": number | null;
          "created_at": string;
          "external_id": string | null;
          "follow_up_minutes": number | null;
          "hold_minutes": number;
          "id": string;
          "late_cancel_hours": number;
          "locale": string;
          "max_holds_per_person": number;
          "max_missed_visits": number | null;
          "max_open_bookings_per_patient": number | null;
          "missed_visits_window_days": number;
          "name": string;
          "offer_minutes": number;
          "quiet_from": string | null;
          "quiet_until": string | null;
          "reminder_offsets_minutes": (number)[];
          "slug": string;
          "staff_needs_second_factor": boolean;
          "time_zone": string;
          "updated_at": string;
          "waitlist_policy": Database["public"]["Enums"]["waitlist_policy"];
        };
        ComputedFields: never;
        Insert: {
          "audit_retention_days"?: number;
          "books_publicly"?: boolean;
          "clock_hours"?: number | null;
          "created_at"?: string;
          "external_id"?: string | null;
          "follow_up_minutes"?: number | null;
          "hold_minutes"?: number;
          "id"?: string;
          "late_cancel_hours"?: number;
          "locale"?: string;
          "max_holds_per_person"?: number;
          "max_missed_visits"?: number | null;
          "max_open_bookings_per_patient"?: number | null;
          "missed_visits_window_days"?: number;
          "name": string;
          "offer_minutes"?: number;
          "quiet_from"?: string | null;
          "quiet_until"?: string | null;
          "reminder_offsets_minutes"?: (number)[];
          "slug": string;
          "staff_needs_second_factor"?: boolean;
          "time_zone": string;
          "updated_at"?: string;
          "waitlist_policy"?: Database["public"]["Enums"]["waitlist_policy"];
        };
        Update: {
          "audit_retention_days"?: number;
          "books_publicly"?: boolean;
          "clock_hours"?: number | null;
          "created_at"?: string;
          "external_id"?: string | null;
          "follow_up_minutes"?: number | null;
          "hold_minutes"?: number;
          "id"?: string;
          "late_cancel_hours"?: number;
          "locale"?: string;
          "max_holds_per_person"?: number;
          "max_missed_visits"?: number | null;
          "max_open_bookings_per_patient"?: number | null;
          "missed_visits_window_days"?: number;
          "name"?: string;
          "offer_minutes"?: number;
          "quiet_from"?: string | null;
          "quiet_until"?: string | null;
          "reminder_offsets_minutes"?: (number)[];
          "slug"?: string;
          "staff_needs_second_factor"?: boolean;
          "time_zone"?: string;
          "updated_at"?: string;
          "waitlist_policy"?: Database["public"]["Enums"]["waitlist_policy"];
        };
        Relationships: [];
      };
      "group_sessions": {
        Row: {
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "capacity": number;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "provider_id": string;
          "seats_taken": number;
          "service_id": string;
          "starts_at": string;
          "status": Database["public"]["Enums"]["session_status"];
          "updated_at": string;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "capacity": number;
          "clinic_id": string;
          "created_at"?: string;
          "ends_at": string;
          "id"?: string;
          "location_id": string;
          "overbook_reason"?: string | null;
          "provider_id": string;
          "seats_taken"?: number;
          "service_id": string;
          "starts_at": string;
          "status"?: Database["public"]["Enums"]["session_status"];
          "updated_at"?: string;
          "version"?: number;
        };
        Update: {
          "buffer_after_minutes"?: number;
          "buffer_before_minutes"?: number;
          "capacity"?: number;
          "clinic_id"?: string;
          "created_at"?: string;
          "ends_at"?: string;
          "id"?: string;
          "location_id"?: string;
          "overbook_reason"?: string | null;
          "provider_id"?: string;
          "seats_taken"?: number;
          "service_id"?: string;
          "starts_at"?: string;
          "status"?: Database["public"]["Enums"]["session_status"];
          "updated_at"?: string;
          "version"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "group_sessions_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "group_sessions_location_is_of_clinic";
            columns: ["clinic_id", "location_id"];
            isOneToOne: false;
            referencedRelation: "locations";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "group_sessions_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "group_sessions_service_is_of_clinic";
            columns: ["clinic_id", "service_id"];
            isOneToOne: false;
            referencedRelation: "services";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "guardian_invitations": {
        Row: {
          "clinic_id": string;
          "created_at": string;
          "email": string;
          "ends_at": string | null;
          "id": string;
          "invited_by": string | null;
          "patient_id": string;
          "status": Database["public"]["Enums"]["invitation_status"];
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "created_at"?: string;
          "email": string;
          "ends_at"?: string | null;
          "id"?: string;
          "invited_by"?: string | null;
          "patient_id": string;
          "status"?: Database["public"]["Enums"]["invitation_status"];
          "updated_at"?: string;
        };
        Update: {
          "clinic_id"?: string;
          "created_at"?: string;
          "email"?: string;
          "ends_at"?: string | null;
          "id"?: string;
          "invited_by"?: string | null;
          "patient_id"?: string;
          "status"?: Database["public"]["Enums"]["invitation_status"];
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_invitations_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "guardian_invitations_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "guardians": {
        Row: {
          "clinic_id": string;
          "created_at": string;
          "created_by": string | null;
          "ends_at": string | null;
          "id": string;
          "patient_id": string;
          "starts_at": string;
          "updated_at": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "created_at"?: string;
          "created_by"?: string | null;
          "ends_at"?: string | null;
          "id"?: string;
          "patient_id": string;
          "starts_at"?: string;
          "updated_at"?: string;
          "user_id": string;
        };
        Update: {
          "clinic_id"?: string;
          "created_at"?: string;
          "created_by"?: string | null;
          "ends_at"?: string | null;
          "id"?: string;
          "patient_id"?: string;
          "starts_at"?: string;
          "updated_at"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "guardians_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "guardians_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "history_seals": {
        Row: {
          "after_event_id": number;
          "clinic_id": string;
          "event_count": number;
          "hash": string;
          "id": number;
          "last_event_id": number;
          "position": number;
          "prev_hash": string | null;
          "sealed_at": string;
          "settled_before": unknown;
          "settled_from": unknown;
        };
        ComputedFields: never;
        Insert: {
          "after_event_id": number;
          "clinic_id": string;
          "event_count": number;
          "hash": string;
          "id"?: never;
          "last_event_id": number;
          "position": number;
          "prev_hash"?: string | null;
          "sealed_at"?: string;
          "settled_before": unknown;
          "settled_from": unknown;
        };
        Update: {
          "after_event_id"?: number;
          "clinic_id"?: string;
          "event_count"?: number;
          "hash"?: string;
          "id"?: never;
          "last_event_id"?: number;
          "position"?: number;
          "prev_hash"?: string | null;
          "sealed_at"?: string;
          "settled_before"?: unknown;
          "settled_from"?: unknown;
        };
        Relationships: [
          {
            foreignKeyName: "history_seals_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "import_files": {
        Row: {
          "already_there": number;
          "clinic_id": string;
          "done_bytes": number;
          "done_line": number;
          "imported": number;
          "job_id": string;
          "name": string;
          "rejected": number;
          "rows_read": number;
          "size_bytes": number;
        };
        ComputedFields: never;
        Insert: {
          "already_there"?: number;
          "clinic_id": string;
          "done_bytes"?: number;
          "done_line"?: number;
          "imported"?: number;
          "job_id": string;
          "name": string;
          "rejected"?: number;
          "rows_read"?: number;
          "size_bytes": number;
        };
        Update: {
          "already_there"?: number;
          "clinic_id"?: string;
          "done_bytes"?: number;
          "done_line"?: number;
          "imported"?: number;
          "job_id"?: string;
          "name"?: string;
          "rejected"?: number;
          "rows_read"?: number;
          "size_bytes"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "import_files_of_clinic";
            columns: ["clinic_id", "job_id"];
            isOneToOne: false;
            referencedRelation: "import_jobs";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "import_jobs": {
        Row: {
          "attempts": number;
          "clinic_id": string;
          "created_at": string;
          "dry_run": boolean;
          "ended_at": string | null;
          "error": string | null;
          "id": string;
          "kind": Database["public"]["Enums"]["import_kind"];
          "lease_id": string | null;
          "leased_until": string | null;
          "requested_by": string | null;
          "started_at": string | null;
          "status": Database["public"]["Enums"]["import_status"];
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number;
          "clinic_id": string;
          "created_at"?: string;
          "dry_run": boolean;
          "ended_at"?: string | null;
          "error"?: string | null;
          "id"?: string;
          "kind": Database["public"]["Enums"]["import_kind"];
          "lease_id"?: string | null;
          "leased_until"?: string | null;
          "requested_by"?: string | null;
          "started_at"?: string | null;
          "status"?: Database["public"]["Enums"]["import_status"];
          "updated_at"?: string;
        };
        Update: {
          "attempts"?: number;
          "clinic_id"?: string;
          "created_at"?: string;
          "dry_run"?: boolean;
          "ended_at"?: string | null;
          "error"?: string | null;
          "id"?: string;
          "kind"?: Database["public"]["Enums"]["import_kind"];
          "lease_id"?: string | null;
          "leased_until"?: string | null;
          "requested_by"?: string | null;
          "started_at"?: string | null;
          "status"?: Database["public"]["Enums"]["import_status"];
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "import_jobs_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "import_rejects": {
        Row: {
          "clinic_id": string;
          "file": string;
          "job_id": string;
          "line": number;
          "reason": string;
          "row_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "file": string;
          "job_id": string;
          "line": number;
          "reason": string;
          "row_id"?: string | null;
        };
        Update: {
          "clinic_id"?: string;
          "file"?: string;
          "job_id"?: string;
          "line"?: number;
          "reason"?: string;
          "row_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "import_rejects_of_clinic";
            columns: ["clinic_id", "job_id"];
            isOneToOne: false;
            referencedRelation: "import_jobs";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "import_rejects_of_file";
            columns: ["job_id", "file"];
            isOneToOne: false;
            referencedRelation: "import_files";
            referencedColumns: ["job_id", "name"];
          },
        ];
      };
      "locations": {
        Row: {
          "address": string | null;
          "clinic_id": string;
          "created_at": string;
          "id": string;
          "name": string;
          "phone": string | null;
          "time_zone": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "address"?: string | null;
          "clinic_id": string;
          "created_at"?: string;
          "id"?: string;
          "name": string;
          "phone"?: string | null;
          "time_zone": string;
          "updated_at"?: string;
        };
        Update: {
          "address"?: string | null;
          "clinic_id"?: string;
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
          "phone"?: string | null;
          "time_zone"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "locations_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "members": {
        Row: {
          "active": boolean;
          "clinic_id": string;
          "created_at": string;
          "id": string;
          "role": Database["public"]["Enums"]["member_role"];
          "updated_at": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "active"?: boolean;
          "clinic_id": string;
          "created_at"?: string;
          "id"?: string;
          "role": Database["public"]["Enums"]["member_role"];
          "updated_at"?: string;
          "user_id": string;
        };
        Update: {
          "active"?: boolean;
          "clinic_id"?: string;
          "created_at"?: string;
          "id"?: string;
          "role"?: Database["public"]["Enums"]["member_role"];
          "updated_at"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "members_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "notification_preferences": {
        Row: {
          "channel": Database["public"]["Enums"]["notification_channel"];
          "clinic_id": string;
          "created_at": string;
          "daily_agenda": boolean | null;
          "follow_ups": boolean;
          "id": string;
          "language": string | null;
          "late_cancellations": boolean | null;
          "new_bookings": boolean | null;
          "patient_id": string | null;
          "quiet_from": string | null;
          "quiet_until": string | null;
          "reminders": boolean;
          "updated_at": string;
          "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "channel"?: Database["public"]["Enums"]["notification_channel"];
          "clinic_id": string;
          "created_at"?: string;
          "daily_agenda"?: boolean | null;
          "follow_ups"?: boolean;
          "id"?: string;
          "language"?: string | null;
          "late_cancellations"?: boolean | null;
          "new_bookings"?: boolean | null;
          "patient_id"?: string | null;
          "quiet_from"?: string | null;
          "quiet_until"?: string | null;
          "reminders"?: boolean;
          "updated_at"?: string;
          "user_id"?: string | null;
        };
        Update: {
          "channel"?: Database["public"]["Enums"]["notification_channel"];
          "clinic_id"?: string;
          "created_at"?: string;
          "daily_agenda"?: boolean | null;
          "follow_ups"?: boolean;
          "id"?: string;
          "language"?: string | null;
          "late_cancellations"?: boolean | null;
          "new_bookings"?: boolean | null;
          "patient_id"?: string | null;
          "quiet_from"?: string | null;
          "quiet_until"?: string | null;
          "reminders"?: boolean;
          "updated_at"?: string;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "notification_preferences_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: true;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "notification_preferences_user_is_member";
            columns: ["clinic_id", "user_id"];
            isOneToOne: true;
            referencedRelation: "members";
            referencedColumns: ["clinic_id", "user_id"];
          },
        ];
      };
      "notifications": {
        Row: {
          "appointment_id": string | null;
          "appointment_version": number | null;
          "attempts": number;
          "channel": Database["public"]["Enums"]["notification_channel"];
          "clinic_id": string | null;
          "created_at": string;
          "day": string | null;
          "due_at": string;
          "id": string;
          "kind": Database["public"]["Enums"]["notification_kind"];
          "last_error": string | null;
          "lease_id": string | null;
          "leased_until": string | null;
          "leases_lost": number;
          "priority": number;
          "provider_id": string | null;
          "provider_message_id": string | null;
          "recipient_id": string | null;
          "recipient_user_id": string | null;
          "reminder_minutes": number | null;
          "requeued_at": string | null;
          "resent": number;
          "sent_at": string | null;
          "status": Database["public"]["Enums"]["notification_status"];
          "told_at": string | null;
          "told_by": string | null;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "appointment_id"?: string | null;
          "appointment_version"?: number | null;
          "attempts"?: number;
          "channel"?: Database["public"]["Enums"]["notification_channel"];
          "clinic_id"?: string | null;
          "created_at"?: string;
          "day"?: string | null;
          "due_at"?: string;
          "id"?: string;
          "kind": Database["public"]["Enums"]["notification_kind"];
          "last_error"?: string | null;
          "lease_id"?: string | null;
          "leased_until"?: string | null;
          "leases_lost"?: number;
          "priority"?: never;
          "provider_id"?: string | null;
          "provider_message_id"?: string | null;
          "recipient_id"?: string | null;
          "recipient_user_id"?: string | null;
          "reminder_minutes"?: number | null;
          "requeued_at"?: string | null;
          "resent"?: number;
          "sent_at"?: string | null;
          "status"?: Database["public"]["Enums"]["notification_status"];
          "told_at"?: string | null;
          "told_by"?: string | null;
          "updated_at"?: string;
        };
        Update: {
          "appointment_id"?: string | null;
          "appointment_version"?: number | null;
          "attempts"?: number;
          "channel"?: Database["public"]["Enums"]["notification_channel"];
          "clinic_id"?: string | null;
          "created_at"?: string;
          "day"?: string | null;
          "due_at"?: string;
          "id"?: string;
          "kind"?: Database["public"]["Enums"]["notification_kind"];
          "last_error"?: string | null;
          "lease_id"?: string | null;
          "leased_until"?: string | null;
          "leases_lost"?: number;
          "priority"?: never;
          "provider_id"?: string | null;
          "provider_message_id"?: string | null;
          "recipient_id"?: string | null;
          "recipient_user_id"?: string | null;
          "reminder_minutes"?: number | null;
          "requeued_at"?: string | null;
          "resent"?: number;
          "sent_at"?: string | null;
          "status"?: Database["public"]["Enums"]["notification_status"];
          "told_at"?: string | null;
          "told_by"?: string | null;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "notifications_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "appointments";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "notifications_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "attendance";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "notifications_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "today_by_provider";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "notifications_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "notifications_recipient_is_of_clinic";
            columns: ["clinic_id", "recipient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "outside_calendars": {
        Row: {
          "clinic_id": string;
          "created_at": string;
          "etag": string | null;
          "failures": number;
          "id": string;
          "last_error": string | null;
          "last_fetched_at": string | null;
          "last_modified": string | null;
          "last_tried_at": string | null;
          "lease_id": string | null;
          "leased_until": string | null;
          "name": string;
          "next_fetch_at": string;
          "provider_id": string;
          "read_until": string | null;
          "skipped_events": number;
          "state": Database["public"]["Enums"]["outside_calendar_state"];
          "updated_at": string;
          "url": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "created_at"?: string;
          "etag"?: string | null;
          "failures"?: number;
          "id"?: string;
          "last_error"?: string | null;
          "last_fetched_at"?: string | null;
          "last_modified"?: string | null;
          "last_tried_at"?: string | null;
          "lease_id"?: string | null;
          "leased_until"?: string | null;
          "name"?: string;
          "next_fetch_at"?: string;
          "provider_id": string;
          "read_until"?: string | null;
          "skipped_events"?: number;
          "state"?: Database["public"]["Enums"]["outside_calendar_state"];
          "updated_at"?: string;
          "url": string;
        };
        Update: {
          "clinic_id"?: string;
          "created_at"?: string;
          "etag"?: string | null;
          "failures"?: number;
          "id"?: string;
          "last_error"?: string | null;
          "last_fetched_at"?: string | null;
          "last_modified"?: string | null;
          "last_tried_at"?: string | null;
          "lease_id"?: string | null;
          "leased_until"?: string | null;
          "name"?: string;
          "next_fetch_at"?: string;
          "provider_id"?: string;
          "read_until"?: string | null;
          "skipped_events"?: number;
          "state"?: Database["public"]["Enums"]["outside_calendar_state"];
          "updated_at"?: string;
          "url"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "outside_calendars_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "patients": {
        Row: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "created_at"?: string;
          "date_of_birth"?: string | null;
          "email"?: string | null;
          "erased_at"?: string | null;
          "external_id"?: string | null;
          "full_name": string;
          "id"?: string;
          "locale": string;
          "merged_into"?: string | null;
          "phone"?: string | null;
          "updated_at"?: string;
          "user_id"?: string | null;
        };
        Update: {
          "clinic_id"?: string;
          "created_at"?: string;
          "date_of_birth"?: string | null;
          "email"?: string | null;
          "erased_at"?: string | null;
          "external_id"?: string | null;
          "full_name"?: string;
          "id"?: string;
          "locale"?: string;
          "merged_into"?: string | null;
          "phone"?: string | null;
          "updated_at"?: string;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "patients_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "patients_merged_into_patient_of_clinic";
            columns: ["clinic_id", "merged_into"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "provider_services": {
        Row: {
          "clinic_id": string;
          "duration_minutes": number | null;
          "max_per_day": number | null;
          "max_per_week": number | null;
          "provider_id": string;
          "service_id": string;
          "weight": number;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "duration_minutes"?: number | null;
          "max_per_day"?: number | null;
          "max_per_week"?: number | null;
          "provider_id": string;
          "service_id": string;
          "weight"?: number;
        };
        Update: {
          "clinic_id"?: string;
          "duration_minutes"?: number | null;
          "max_per_day"?: number | null;
          "max_per_week"?: number | null;
          "provider_id"?: string;
          "service_id"?: string;
          "weight"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "provider_services_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "provider_services_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "provider_services_service_is_of_clinic";
            columns: ["clinic_id", "service_id"];
            isOneToOne: false;
            referencedRelation: "services";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "providers": {
        Row: {
          "active": boolean;
          "clinic_id": string;
          "created_at": string;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "speciality": string | null;
          "updated_at": string;
          "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "active"?: boolean;
          "clinic_id": string;
          "created_at"?: string;
          "external_id"?: string | null;
          "full_name": string;
          "id"?: string;
          "speciality"?: string | null;
          "updated_at"?: string;
          "user_id"?: string | null;
        };
        Update: {
          "active"?: boolean;
          "clinic_id"?: string;
          "created_at"?: string;
          "external_id"?: string | null;
          "full_name"?: string;
          "id"?: string;
          "speciality"?: string | null;
          "updated_at"?: string;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "providers_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "resources": {
        Row: {
          "active": boolean;
          "clinic_id": string;
          "created_at": string;
          "id": string;
          "kind": Database["public"]["Enums"]["resource_kind"];
          "location_id": string;
          "name": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "active"?: boolean;
          "clinic_id": string;
          "created_at"?: string;
          "id"?: string;
          "kind": Database["public"]["Enums"]["resource_kind"];
          "location_id": string;
          "name": string;
          "updated_at"?: string;
        };
        Update: {
          "active"?: boolean;
          "clinic_id"?: string;
          "created_at"?: string;
          "id"?: string;
          "kind"?: Database["public"]["Enums"]["resource_kind"];
          "location_id"?: string;
          "name"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "resources_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "resources_location_is_of_clinic";
            columns: ["clinic_id", "location_id"];
            isOneToOne: false;
            referencedRelation: "locations";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "service_needs": {
        Row: {
          "clinic_id": string;
          "id": string;
          "kind": Database["public"]["Enums"]["resource_kind"];
          "quantity": number;
          "resource_id": string | null;
          "service_id": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "id"?: string;
          "kind": Database["public"]["Enums"]["resource_kind"];
          "quantity"?: number;
          "resource_id"?: string | null;
          "service_id": string;
        };
        Update: {
          "clinic_id"?: string;
          "id"?: string;
          "kind"?: Database["public"]["Enums"]["resource_kind"];
          "quantity"?: number;
          "resource_id"?: string | null;
          "service_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "service_needs_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "service_needs_resource_is_of_clinic_and_kind";
            columns: ["clinic_id", "resource_id", "kind"];
            isOneToOne: false;
            referencedRelation: "resources";
            referencedColumns: ["clinic_id", "id", "kind"];
          },
          {
            foreignKeyName: "service_needs_service_is_of_clinic";
            columns: ["clinic_id", "service_id"];
            isOneToOne: false;
            referencedRelation: "services";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "services": {
        Row: {
          "active": boolean;
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancel_notice_minutes": number;
          "capacity": number;
          "clinic_id": string;
          "created_at": string;
          "description": string | null;
          "duration_minutes": number;
          "horizon_days": number;
          "id": string;
          "max_per_day": number | null;
          "max_per_week": number | null;
          "min_notice_minutes": number;
          "name": string;
          "needs_approval": boolean;
          "new_patients_only": boolean;
          "preparation": string | null;
          "slot_interval_minutes": number;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "active"?: boolean;
          "buffer_after_minutes"?: number;
          "buffer_before_minutes"?: number;
          "cancel_notice_minutes"?: number;
          "capacity"?: number;
          "clinic_id": string;
          "created_at"?: string;
          "description"?: string | null;
          "duration_minutes"?: number;
          "horizon_days"?: number;
          "id"?: string;
          "max_per_day"?: number | null;
          "max_per_week"?: number | null;
          "min_notice_minutes"?: number;
          "name": string;
          "needs_approval"?: boolean;
          "new_patients_only"?: boolean;
          "preparation"?: string | null;
          "slot_interval_minutes"?: number;
          "updated_at"?: string;
        };
        Update: {
          "active"?: boolean;
          "buffer_after_minutes"?: number;
          "buffer_before_minutes"?: number;
          "cancel_notice_minutes"?: number;
          "capacity"?: number;
          "clinic_id"?: string;
          "created_at"?: string;
          "description"?: string | null;
          "duration_minutes"?: number;
          "horizon_days"?: number;
          "id"?: string;
          "max_per_day"?: number | null;
          "max_per_week"?: number | null;
          "min_notice_minutes"?: number;
          "name"?: string;
          "needs_approval"?: boolean;
          "new_patients_only"?: boolean;
          "preparation"?: string | null;
          "slot_interval_minutes"?: number;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "services_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "staff_invitations": {
        Row: {
          "accepted_at": string | null;
          "clinic_id": string;
          "created_at": string;
          "email": string;
          "expires_at": string;
          "id": string;
          "invited_by": string | null;
          "role": Database["public"]["Enums"]["member_role"];
          "status": Database["public"]["Enums"]["invitation_status"];
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "accepted_at"?: string | null;
          "clinic_id": string;
          "created_at"?: string;
          "email": string;
          "expires_at"?: string;
          "id"?: string;
          "invited_by"?: string | null;
          "role": Database["public"]["Enums"]["member_role"];
          "status"?: Database["public"]["Enums"]["invitation_status"];
          "updated_at"?: string;
        };
        Update: {
          "accepted_at"?: string | null;
          "clinic_id"?: string;
          "created_at"?: string;
          "email"?: string;
          "expires_at"?: string;
          "id"?: string;
          "invited_by"?: string | null;
          "role"?: Database["public"]["Enums"]["member_role"];
          "status"?: Database["public"]["Enums"]["invitation_status"];
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "staff_invitations_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
        ];
      };
      "visit_confirmations": {
        Row: {
          "appointment_id": string;
          "appointment_version": number;
          "clinic_id": string;
          "confirmed_at": string;
        };
        ComputedFields: never;
        Insert: {
          "appointment_id": string;
          "appointment_version": number;
          "clinic_id": string;
          "confirmed_at"?: string;
        };
        Update: {
          "appointment_id"?: string;
          "appointment_version"?: number;
          "clinic_id"?: string;
          "confirmed_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "visit_confirmations_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "appointments";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "visit_confirmations_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "attendance";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "visit_confirmations_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "today_by_provider";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
        ];
      };
      "waitlist_entries": {
        Row: {
          "clinic_id": string;
          "created_at": string;
          "earliest": string | null;
          "from_clock": string;
          "id": string;
          "latest": string | null;
          "location_id": string | null;
          "patient_id": string;
          "service_id": string;
          "status": Database["public"]["Enums"]["waitlist_status"];
          "to_clock": string;
          "updated_at": string;
          "urgency": Database["public"]["Enums"]["waitlist_urgency"];
          "weekdays": (number)[] | null;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "created_at"?: string;
          "earliest"?: string | null;
          "from_clock"?: string;
          "id"?: string;
          "latest"?: string | null;
          "location_id"?: string | null;
          "patient_id": string;
          "service_id": string;
          "status"?: Database["public"]["Enums"]["waitlist_status"];
          "to_clock"?: string;
          "updated_at"?: string;
          "urgency"?: Database["public"]["Enums"]["waitlist_urgency"];
          "weekdays"?: (number)[] | null;
        };
        Update: {
          "clinic_id"?: string;
          "created_at"?: string;
          "earliest"?: string | null;
          "from_clock"?: string;
          "id"?: string;
          "latest"?: string | null;
          "location_id"?: string | null;
          "patient_id"?: string;
          "service_id"?: string;
          "status"?: Database["public"]["Enums"]["waitlist_status"];
          "to_clock"?: string;
          "updated_at"?: string;
          "urgency"?: Database["public"]["Enums"]["waitlist_urgency"];
          "weekdays"?: (number)[] | null;
        };
        Relationships: [
          {
            foreignKeyName: "waitlist_entries_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "waitlist_entries_location_is_of_clinic";
            columns: ["clinic_id", "location_id"];
            isOneToOne: false;
            referencedRelation: "locations";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "waitlist_entries_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "waitlist_entries_service_is_of_clinic";
            columns: ["clinic_id", "service_id"];
            isOneToOne: false;
            referencedRelation: "services";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "waitlist_entry_providers": {
        Row: {
          "clinic_id": string;
          "entry_id": string;
          "provider_id": string;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "entry_id": string;
          "provider_id": string;
        };
        Update: {
          "clinic_id"?: string;
          "entry_id"?: string;
          "provider_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "waitlist_entry_providers_entry_is_of_clinic";
            columns: ["clinic_id", "entry_id"];
            isOneToOne: false;
            referencedRelation: "waitlist_entries";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "waitlist_entry_providers_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "waitlist_offers": {
        Row: {
          "answered_at": string | null;
          "appointment_id": string | null;
          "clinic_id": string;
          "created_at": string;
          "entry_id": string;
          "expires_at": string;
          "id": string;
          "provider_id": string;
          "starts_at": string;
          "status": Database["public"]["Enums"]["offer_status"];
        };
        ComputedFields: never;
        Insert: {
          "answered_at"?: string | null;
          "appointment_id"?: string | null;
          "clinic_id": string;
          "created_at"?: string;
          "entry_id": string;
          "expires_at": string;
          "id"?: string;
          "provider_id": string;
          "starts_at": string;
          "status"?: Database["public"]["Enums"]["offer_status"];
        };
        Update: {
          "answered_at"?: string | null;
          "appointment_id"?: string | null;
          "clinic_id"?: string;
          "created_at"?: string;
          "entry_id"?: string;
          "expires_at"?: string;
          "id"?: string;
          "provider_id"?: string;
          "starts_at"?: string;
          "status"?: Database["public"]["Enums"]["offer_status"];
        };
        Relationships: [
          {
            foreignKeyName: "waitlist_offers_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "appointments";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "waitlist_offers_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "attendance";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "waitlist_offers_appointment_is_of_clinic";
            columns: ["clinic_id", "appointment_id"];
            isOneToOne: false;
            referencedRelation: "today_by_provider";
            referencedColumns: ["clinic_id", "appointment_id"];
          },
          {
            foreignKeyName: "waitlist_offers_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "waitlist_offers_entry_is_of_clinic";
            columns: ["clinic_id", "entry_id"];
            isOneToOne: false;
            referencedRelation: "waitlist_entries";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "waitlist_offers_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "weekly_hours": {
        Row: {
          "clinic_id": string;
          "closes": string;
          "created_at": string;
          "cycle_from": string | null;
          "cycle_weeks": number;
          "id": string;
          "location_id": string;
          "opens": string;
          "provider_id": string;
          "updated_at": string;
          "valid_from": string;
          "valid_until": string | null;
          "weekday": number;
        };
        ComputedFields: never;
        Insert: {
          "clinic_id": string;
          "closes": string;
          "created_at"?: string;
          "cycle_from"?: string | null;
          "cycle_weeks"?: number;
          "id"?: string;
          "location_id": string;
          "opens": string;
          "provider_id": string;
          "updated_at"?: string;
          "valid_from"?: string;
          "valid_until"?: string | null;
          "weekday": number;
        };
        Update: {
          "clinic_id"?: string;
          "closes"?: string;
          "created_at"?: string;
          "cycle_from"?: string | null;
          "cycle_weeks"?: number;
          "id"?: string;
          "location_id"?: string;
          "opens"?: string;
          "provider_id"?: string;
          "updated_at"?: string;
          "valid_from"?: string;
          "valid_until"?: string | null;
          "weekday"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "weekly_hours_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "weekly_hours_location_is_of_clinic";
            columns: ["clinic_id", "location_id"];
            isOneToOne: false;
            referencedRelation: "locations";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "weekly_hours_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
    };
    Views: {
      "attendance": {
        Row: {
          "appointment_id": string;
          "clinic_id": string;
          "ends_at": string;
          "outcome": Database["public"]["Enums"]["attendance_outcome"] | null;
          "patient_id": string;
          "provider_id": string;
          "service_id": string;
          "starts_at": string;
        };
        ComputedFields: never;
        Insert: {
          "appointment_id"?: string | null;
          "clinic_id"?: string | null;
          "ends_at"?: string | null;
          "outcome"?: never;
          "patient_id"?: string | null;
          "provider_id"?: string | null;
          "service_id"?: string | null;
          "starts_at"?: string | null;
        };
        Update: {
          "appointment_id"?: string | null;
          "clinic_id"?: string | null;
          "ends_at"?: string | null;
          "outcome"?: never;
          "patient_id"?: string | null;
          "provider_id"?: string | null;
          "service_id"?: string | null;
          "starts_at"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "appointments_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "appointments_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointments_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
          {
            foreignKeyName: "appointments_service_is_of_clinic";
            columns: ["clinic_id", "service_id"];
            isOneToOne: false;
            referencedRelation: "services";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "needs_attention": {
        Row: {
          "appointment_id": string | null;
          "clinic_id": string | null;
          "detail": string | null;
          "notification_id": string | null;
          "session_id": string | null;
          "since": string | null;
          "what": string | null;
        };
        ComputedFields: never;
        Insert: {
          "appointment_id"?: string | null;
          "clinic_id"?: string | null;
          "detail"?: string | null;
          "notification_id"?: string | null;
          "session_id"?: string | null;
          "since"?: string | null;
          "what"?: string | null;
        };
        Update: {
          "appointment_id"?: string | null;
          "clinic_id"?: string | null;
          "detail"?: string | null;
          "notification_id"?: string | null;
          "session_id"?: string | null;
          "since"?: string | null;
          "what"?: string | null;
        };
        Relationships: [];
      };
      "overdue": {
        Row: {
          "attempts": number;
          "clinic_id": string | null;
          "kind": Database["public"]["Enums"]["notification_kind"];
          "last_error": string | null;
          "notification_id": string;
          "since": string | null;
          "status": Database["public"]["Enums"]["notification_status"];
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number | null;
          "clinic_id"?: string | null;
          "kind"?: Database["public"]["Enums"]["notification_kind"] | null;
          "last_error"?: string | null;
          "notification_id"?: string | null;
          "since"?: string | null;
          "status"?: Database["public"]["Enums"]["notification_status"] | null;
        };
        Update: {
          "attempts"?: number | null;
          "clinic_id"?: string | null;
          "kind"?: Database["public"]["Enums"]["notification_kind"] | null;
          "last_error"?: string | null;
          "notification_id"?: string | null;
          "since"?: string | null;
          "status"?: Database["public"]["Enums"]["notification_status"] | null;
        };
        Relationships: [];
      };
      "patient_attendance": {
        Row: {
          "attended": number | null;
          "books_by_phone_only": boolean | null;
          "clinic_id": string;
          "late_cancellations": number | null;
          "no_shows": number | null;
          "patient_id": string;
          "unknown": number | null;
        };
        ComputedFields: never;
        Insert: {
          "attended"?: number | null;
          "books_by_phone_only"?: boolean | null;
          "clinic_id"?: string | null;
          "late_cancellations"?: number | null;
          "no_shows"?: number | null;
          "patient_id"?: string | null;
          "unknown"?: number | null;
        };
        Update: {
          "attended"?: number | null;
          "books_by_phone_only"?: boolean | null;
          "clinic_id"?: string | null;
          "late_cancellations"?: number | null;
          "no_shows"?: number | null;
          "patient_id"?: string | null;
          "unknown"?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: "appointments_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "appointments_patient_is_of_clinic";
            columns: ["clinic_id", "patient_id"];
            isOneToOne: false;
            referencedRelation: "patients";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
      "today_by_provider": {
        Row: {
          "appointment_id": string;
          "clinic_id": string;
          "ends": string | null;
          "is_overbooked": boolean | null;
          "location": string;
          "patient": string;
          "provider": string;
          "provider_id": string;
          "service": string;
          "starts": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
        };
        ComputedFields: never;
        Insert: {
          "appointment_id"?: string | null;
          "clinic_id"?: string | null;
          "ends"?: string | null;
          "is_overbooked"?: boolean | null;
          "location"?: string | null;
          "patient"?: string | null;
          "provider"?: string | null;
          "provider_id"?: string | null;
          "service"?: string | null;
          "starts"?: string | null;
          "starts_at"?: string | null;
          "status"?: Database["public"]["Enums"]["appointment_status"] | null;
        };
        Update: {
          "appointment_id"?: string | null;
          "clinic_id"?: string | null;
          "ends"?: string | null;
          "is_overbooked"?: boolean | null;
          "location"?: string | null;
          "patient"?: string | null;
          "provider"?: string | null;
          "provider_id"?: string | null;
          "service"?: string | null;
          "starts"?: string | null;
          "starts_at"?: string | null;
          "status"?: Database["public"]["Enums"]["appointment_status"] | null;
        };
        Relationships: [
          {
            foreignKeyName: "appointments_clinic_id_fkey";
            columns: ["clinic_id"];
            isOneToOne: false;
            referencedRelation: "clinics";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "appointments_provider_is_of_clinic";
            columns: ["clinic_id", "provider_id"];
            isOneToOne: false;
            referencedRelation: "providers";
            referencedColumns: ["clinic_id", "id"];
          },
        ];
      };
    };
    Functions: {
      "accept_guardianship": {
        Args: { "invitation_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "created_by": string | null;
          "ends_at": string | null;
          "id": string;
          "patient_id": string;
          "starts_at": string;
          "updated_at": string;
          "user_id": string;
        };
        SetofOptions: {
          from: "*";
          to: "guardians";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "accept_invitation": {
        Args: { "invitation_id": string };
        Returns: {
          "active": boolean;
          "clinic_id": string;
          "created_at": string;
          "id": string;
          "role": Database["public"]["Enums"]["member_role"];
          "updated_at": string;
          "user_id": string;
        };
        SetofOptions: {
          from: "*";
          to: "members";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "accept_offer": {
        Args: { "offer_id": string };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "add_exception": {
        Args: {
          "clinic_id"?: string;
          "closes"?: string;
          "ends_on"?: string;
          "kind"?: Database["public"]["Enums"]["availability_exception_kind"];
          "location_id"?: string;
          "on_conflict"?: Database["public"]["Enums"]["on_visits_outside"];
          "opens"?: string;
          "provider_id"?: string;
          "reason"?: string;
          "starts_on": string;
        };
        Returns: Database["public"]["CompositeTypes"]["visit_outside_hours"][];
        SetofOptions: {
          from: "*";
          to: "visit_outside_hours";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "add_outside_calendar": {
        Args: { "name"?: string; "provider_id": string; "url": string };
        Returns: string;
      };
      "authorize_flow": {
        Args: { "clinic_id"?: string; "flow": string };
        Returns: undefined;
      };
      "block_time": {
        Args: {
          "ends_at": string;
          "on_conflict"?: Database["public"]["Enums"]["on_visits_outside"];
          "provider_id": string;
          "reason"?: string;
          "starts_at": string;
        };
        Returns: Database["public"]["CompositeTypes"]["visit_outside_hours"][];
        SetofOptions: {
          from: "*";
          to: "visit_outside_hours";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "book_appointment": {
        Args: {
          "hold_id"?: string;
          "overbook_reason"?: string;
          "patient_id"?: string;
          "provider_id"?: string;
          "reason"?: string;
          "request_id"?: string;
          "service_id": string;
          "starts_at": string;
        };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "book_series": {
        Args: {
          "mode"?: Database["public"]["Enums"]["series_mode"];
          "patient_id"?: string;
          "provider_id"?: string;
          "reason"?: string;
          "request_id"?: string;
          "rule": string;
          "service_id": string;
          "starts_at": string;
        };
        Returns: Database["public"]["CompositeTypes"]["series_visit"][];
        SetofOptions: {
          from: "*";
          to: "series_visit";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "book_together": {
        Args: { "request_id"?: string; "visits": Json };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        }[];
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "cancel_appointment": {
        Args: {
          "appointment_id": string;
          "expected_version"?: number;
          "reason"?: string;
        };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "cancel_series": {
        Args: { "from_time"?: string; "reason"?: string; "series_id": string };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        }[];
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "change_appointment_status": {
        Args: {
          "appointment_id": string;
          "expected_version"?: number;
          "reason"?: string;
          "status": Database["public"]["Enums"]["appointment_status"];
        };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "change_clinic": {
        Args: {
          "books_publicly"?: boolean;
          "clinic_id": string;
          "name"?: string;
          "slug"?: string;
          "staff_needs_second_factor"?: boolean;
          "time_zone"?: string;
        };
        Returns: {
          "audit_retention_days": number;
          "books_publicly": boolean;
          "clock_hours": number | null;
          "created_at": string;
          "external_id": string | null;
          "follow_up_minutes": number | null;
          "hold_minutes": number;
          "id": string;
          "late_cancel_hours": number;
          "locale": string;
          "max_holds_per_person": number;
          "max_missed_visits": number | null;
          "max_open_bookings_per_patient": number | null;
          "missed_visits_window_days": number;
          "name": string;
          "offer_minutes": number;
          "quiet_from": string | null;
          "quiet_until": string | null;
          "reminder_offsets_minutes": (number)[];
          "slug": string;
          "staff_needs_second_factor": boolean;
          "time_zone": string;
          "updated_at": string;
          "waitlist_policy": Database["public"]["Enums"]["waitlist_policy"];
        };
        SetofOptions: {
          from: "*";
          to: "clinics";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "change_member": {
        Args: {
          "active"?: boolean;
          "clinic_id": string;
          "member_id": string;
          "role"?: Database["public"]["Enums"]["member_role"];
        };
        Returns: {
          "active": boolean;
          "clinic_id": string;
          "created_at": string;
          "id": string;
          "role": Database["public"]["Enums"]["member_role"];
          "updated_at": string;
          "user_id": string;
        };
        SetofOptions: {
          from: "*";
          to: "members";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "claim_patient_records": {
        Args: { "date_of_birth"?: string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        }[];
        SetofOptions: {
          from: "*";
          to: "patients";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "clinic_numbers": {
        Args: { "clinic_id": string; "from_day": string; "to_day": string };
        Returns: {
          "attended": number;
          "booked_earlier": number;
          "booked_minutes": number;
          "booked_same_day": number;
          "booked_within_month": number;
          "booked_within_week": number;
          "cancellation_rate": number;
          "cancelled": number;
          "cancelled_late": number;
          "dimension": Database["public"]["Enums"]["numbers_by"];
          "key": string;
          "label": string;
          "lead_days": number;
          "missed": number;
          "no_show_rate": number;
          "not_reminded": number;
          "not_reminded_missed": number;
          "not_reminded_no_show_rate": number;
          "open_minutes": number;
          "reminded": number;
          "reminded_missed": number;
          "reminded_no_show_rate": number;
          "unknown": number;
          "utilisation": number;
          "visits": number;
        }[];
      };
      "clinic_staff": {
        Args: { "clinic_id": string };
        Returns: {
          "active": boolean;
          "email": string;
          "has_second_factor": boolean;
          "last_sign_in_at": string;
          "may_change": boolean;
          "member_id": string;
          "member_since": string;
          "provider_id": string;
          "provider_name": string;
          "role": Database["public"]["Enums"]["member_role"];
          "user_id": string;
        }[];
      };
      "confirm_visit": {
        Args: { "appointment_id": string; "expected_version"?: number };
        Returns: {
          "appointment_id": string;
          "appointment_version": number;
          "clinic_id": string;
          "confirmed_at": string;
        };
        SetofOptions: {
          from: "*";
          to: "visit_confirmations";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "create_clinic": {
        Args: {
          "books_publicly"?: boolean;
          "locale"?: string;
          "location_address"?: string;
          "location_name": string;
          "name": string;
          "slug": string;
          "time_zone": string;
        };
        Returns: {
          "audit_retention_days": number;
          "books_publicly": boolean;
          "clock_hours": number | null;
          "created_at": string;
          "external_id": string | null;
          "follow_up_minutes": number | null;
          "hold_minutes": number;
          "id": string;
          "late_cancel_hours": number;
          "locale": string;
          "max_holds_per_person": number;
          "max_missed_visits": number | null;
          "max_open_bookings_per_patient": number | null;
          "missed_visits_window_days": number;
          "name": string;
          "offer_minutes": number;
          "quiet_from": string | null;
          "quiet_until": string | null;
          "reminder_offsets_minutes": (number)[];
          "slug": string;
          "staff_needs_second_factor": boolean;
          "time_zone": string;
          "updated_at": string;
          "waitlist_policy": Database["public"]["Enums"]["waitlist_policy"];
        };
        SetofOptions: {
          from: "*";
          to: "clinics";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "create_feed": {
        Args: {
          "details"?: Database["public"]["Enums"]["feed_details"];
          "patient_id"?: string;
          "provider_id"?: string;
        };
        Returns: {
          "address": string;
          "feed_id": string;
        }[];
      };
      "decline_offer": {
        Args: { "offer_id": string };
        Returns: {
          "answered_at": string | null;
          "appointment_id": string | null;
          "clinic_id": string;
          "created_at": string;
          "entry_id": string;
          "expires_at": string;
          "id": string;
          "provider_id": string;
          "starts_at": string;
          "status": Database["public"]["Enums"]["offer_status"];
        };
        SetofOptions: {
          from: "*";
          to: "waitlist_offers";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "end_guardianship": {
        Args: { "ends_at"?: string; "guardian_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "created_by": string | null;
          "ends_at": string | null;
          "id": string;
          "patient_id": string;
          "starts_at": string;
          "updated_at": string;
          "user_id": string;
        };
        SetofOptions: {
          from: "*";
          to: "guardians";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "explain_slot": {
        Args: {
          "provider_id": string;
          "service_id": string;
          "starts_at": string;
        };
        Returns: Database["public"]["CompositeTypes"]["slot_rule"][];
        SetofOptions: {
          from: "*";
          to: "slot_rule";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "find_duplicates": {
        Args: {
          "clinic_id": string;
          "max_results"?: number;
          "patient_id"?: string;
        };
        Returns: Database["public"]["CompositeTypes"]["duplicate_candidate"][];
        SetofOptions: {
          from: "*";
          to: "duplicate_candidate";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "find_patients": {
        Args: { "clinic_id": string; "max_results"?: number; "name": string };
        Returns: {
          "birth_year": number;
          "full_name": string;
          "patient_id": string;
        }[];
      };
      "hold_slot": {
        Args: {
          "location_id"?: string;
          "patient_id"?: string;
          "provider_id": string;
          "request_id"?: string;
          "service_id": string;
          "starts_at": string;
        };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "invite_guardian": {
        Args: { "email": string; "ends_at"?: string; "patient_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "email": string;
          "ends_at": string | null;
          "id": string;
          "invited_by": string | null;
          "patient_id": string;
          "status": Database["public"]["Enums"]["invitation_status"];
          "updated_at": string;
        };
        SetofOptions: {
          from: "*";
          to: "guardian_invitations";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "invite_member": {
        Args: {
          "clinic_id": string;
          "email": string;
          "role": Database["public"]["Enums"]["member_role"];
        };
        Returns: {
          "accepted_at": string | null;
          "clinic_id": string;
          "created_at": string;
          "email": string;
          "expires_at": string;
          "id": string;
          "invited_by": string | null;
          "role": Database["public"]["Enums"]["member_role"];
          "status": Database["public"]["Enums"]["invitation_status"];
          "updated_at": string;
        };
        SetofOptions: {
          from: "*";
          to: "staff_invitations";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "join_session": {
        Args: {
          "patient_id"?: string;
          "reason"?: string;
          "request_id"?: string;
          "session_id": string;
        };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "join_waitlist": {
        Args: {
          "earliest"?: string;
          "from_clock"?: string;
          "latest"?: string;
          "location_id"?: string;
          "patient_id"?: string;
          "provider_ids"?: (string)[];
          "service_id": string;
          "to_clock"?: string;
          "urgency"?: Database["public"]["Enums"]["waitlist_urgency"];
          "weekdays"?: (number)[];
        };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "earliest": string | null;
          "from_clock": string;
          "id": string;
          "latest": string | null;
          "location_id": string | null;
          "patient_id": string;
          "service_id": string;
          "status": Database["public"]["Enums"]["waitlist_status"];
          "to_clock": string;
          "updated_at": string;
          "urgency": Database["public"]["Enums"]["waitlist_urgency"];
          "weekdays": (number)[] | null;
        };
        SetofOptions: {
          from: "*";
          to: "waitlist_entries";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "leave_waitlist": {
        Args: { "entry_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "earliest": string | null;
          "from_clock": string;
          "id": string;
          "latest": string | null;
          "location_id": string | null;
          "patient_id": string;
          "service_id": string;
          "status": Database["public"]["Enums"]["waitlist_status"];
          "to_clock": string;
          "updated_at": string;
          "urgency": Database["public"]["Enums"]["waitlist_urgency"];
          "weekdays": (number)[] | null;
        };
        SetofOptions: {
          from: "*";
          to: "waitlist_entries";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "mark_told": {
        Args: { "notification_id": string };
        Returns: {
          "appointment_id": string | null;
          "appointment_version": number | null;
          "attempts": number;
          "channel": Database["public"]["Enums"]["notification_channel"];
          "clinic_id": string | null;
          "created_at": string;
          "day": string | null;
          "due_at": string;
          "id": string;
          "kind": Database["public"]["Enums"]["notification_kind"];
          "last_error": string | null;
          "lease_id": string | null;
          "leased_until": string | null;
          "leases_lost": number;
          "priority": number;
          "provider_id": string | null;
          "provider_message_id": string | null;
          "recipient_id": string | null;
          "recipient_user_id": string | null;
          "reminder_minutes": number | null;
          "requeued_at": string | null;
          "resent": number;
          "sent_at": string | null;
          "status": Database["public"]["Enums"]["notification_status"];
          "told_at": string | null;
          "told_by": string | null;
          "updated_at": string;
        };
        SetofOptions: {
          from: "*";
          to: "notifications";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "merge_patients": {
        Args: { "keep_id": string; "merge_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        };
        SetofOptions: {
          from: "*";
          to: "patients";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "my_memberships": {
        Args: Record<PropertyKey, never>;
        Returns: Database["public"]["CompositeTypes"]["membership"][];
        SetofOptions: {
          from: "*";
          to: "membership";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "my_records": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        }[];
        SetofOptions: {
          from: "*";
          to: "patients";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "offer_time": {
        Args: {
          "entry_id": string;
          "provider_id": string;
          "starts_at": string;
        };
        Returns: {
          "answered_at": string | null;
          "appointment_id": string | null;
          "clinic_id": string;
          "created_at": string;
          "entry_id": string;
          "expires_at": string;
          "id": string;
          "provider_id": string;
          "starts_at": string;
          "status": Database["public"]["Enums"]["offer_status"];
        };
        SetofOptions: {
          from: "*";
          to: "waitlist_offers";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "open_patient": {
        Args: { "patient_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        };
        SetofOptions: {
          from: "*";
          to: "patients";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "open_sessions": {
        Args: { "from_time": string; "service_id": string; "to_time": string };
        Returns: Database["public"]["CompositeTypes"]["open_session"][];
        SetofOptions: {
          from: "*";
          to: "open_session";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "open_slots": {
        Args: {
          "from_time": string;
          "location_id"?: string;
          "max_results"?: number;
          "provider_id"?: string;
          "service_id": string;
          "to_time": string;
        };
        Returns: Database["public"]["CompositeTypes"]["open_slot"][];
        SetofOptions: {
          from: "*";
          to: "open_slot";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "read_reasons": {
        Args: { "appointment_id": string };
        Returns: Database["public"]["CompositeTypes"]["visit_reason"][];
        SetofOptions: {
          from: "*";
          to: "visit_reason";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "register_dependant": {
        Args: {
          "clinic_id": string;
          "date_of_birth": string;
          "full_name": string;
          "phone"?: string;
        };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        };
        SetofOptions: {
          from: "*";
          to: "patients";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "register_patient": {
        Args: {
          "clinic_id": string;
          "date_of_birth"?: string;
          "full_name": string;
          "phone"?: string;
        };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        };
        SetofOptions: {
          from: "*";
          to: "patients";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "remove_exception": {
        Args: {
          "exception_id": string;
          "on_conflict"?: Database["public"]["Enums"]["on_visits_outside"];
        };
        Returns: Database["public"]["CompositeTypes"]["visit_outside_hours"][];
        SetofOptions: {
          from: "*";
          to: "visit_outside_hours";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "remove_member": {
        Args: { "clinic_id": string; "member_id": string };
        Returns: undefined;
      };
      "remove_outside_calendar": {
        Args: { "calendar_id": string };
        Returns: undefined;
      };
      "requeue_dead_notifications": {
        Args: { "clinic_id": string };
        Returns: number;
      };
      "requeue_notification": {
        Args: { "notification_id": string };
        Returns: {
          "appointment_id": string | null;
          "appointment_version": number | null;
          "attempts": number;
          "channel": Database["public"]["Enums"]["notification_channel"];
          "clinic_id": string | null;
          "created_at": string;
          "day": string | null;
          "due_at": string;
          "id": string;
          "kind": Database["public"]["Enums"]["notification_kind"];
          "last_error": string | null;
          "lease_id": string | null;
          "leased_until": string | null;
          "leases_lost": number;
          "priority": number;
          "provider_id": string | null;
          "provider_message_id": string | null;
          "recipient_id": string | null;
          "recipient_user_id": string | null;
          "reminder_minutes": number | null;
          "requeued_at": string | null;
          "resent": number;
          "sent_at": string | null;
          "status": Database["public"]["Enums"]["notification_status"];
          "told_at": string | null;
          "told_by": string | null;
          "updated_at": string;
        };
        SetofOptions: {
          from: "*";
          to: "notifications";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "reschedule_appointment": {
        Args: {
          "appointment_id": string;
          "expected_version"?: number;
          "overbook_reason"?: string;
          "provider_id"?: string;
          "request_id"?: string;
          "starts_at": string;
        };
        Returns: {
          "booked_by": string | null;
          "booked_via": Database["public"]["Enums"]["booking_path"];
          "buffer_after_minutes": number;
          "buffer_before_minutes": number;
          "cancelled_late": boolean;
          "clinic_id": string;
          "created_at": string;
          "ends_at": string;
          "external_id": string | null;
          "hold_expires_at": string | null;
          "id": string;
          "location_id": string;
          "overbook_reason": string | null;
          "patient_id": string;
          "provider_id": string;
          "request_id": string | null;
          "series_id": string | null;
          "service_id": string;
          "session_id": string | null;
          "starts_at": string;
          "status": Database["public"]["Enums"]["appointment_status"];
          "updated_at": string;
          "version": number;
        };
        SetofOptions: {
          from: "*";
          to: "appointments";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "revoke_feed": { Args: { "feed_id": string }; Returns: undefined };
      "revoke_guardian_invitation": {
        Args: { "invitation_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "email": string;
          "ends_at": string | null;
          "id": string;
          "invited_by": string | null;
          "patient_id": string;
          "status": Database["public"]["Enums"]["invitation_status"];
          "updated_at": string;
        };
        SetofOptions: {
          from: "*";
          to: "guardian_invitations";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "rooms_in_use": {
        Args: { "clinic_id": string; "from_time": string; "to_time": string };
        Returns: {
          "appointment_id": string;
          "resource_id": string;
        }[];
      };
      "second_factor_holder": {
        Args: { "clinic_id": string; "member_id": string };
        Returns: string;
      };
      "set_weekly_hours": {
        Args: {
          "hours": Json;
          "location_id": string;
          "on_conflict"?: Database["public"]["Enums"]["on_visits_outside"];
          "provider_id": string;
          "valid_from"?: string;
        };
        Returns: Database["public"]["CompositeTypes"]["visit_outside_hours"][];
        SetofOptions: {
          from: "*";
          to: "visit_outside_hours";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "unblock_time": { Args: { "exception_id": string }; Returns: undefined };
      "unmerge_patients": {
        Args: { "merge_id": string };
        Returns: {
          "clinic_id": string;
          "created_at": string;
          "date_of_birth": string | null;
          "email": string | null;
          "erased_at": string | null;
          "external_id": string | null;
          "full_name": string;
          "id": string;
          "locale": string;
          "merged_into": string | null;
          "phone": string | null;
          "updated_at": string;
          "user_id": string | null;
        };
        SetofOptions: {
          from: "*";
          to: "patients";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "verify_history": {
        Args: { "clinic_id": string };
        Returns: {
          "appointment_id": string;
          "detail": string;
          "event_id": number;
          "problem": string;
        }[];
      };
      "working_hours": {
        Args: { "clinic_id": string; "from_time": string; "to_time": string };
        Returns: {
          "closes_at": string;
          "location_id": string;
          "opens_at": string;
          "provider_id": string;
        }[];
      };
    };
    Enums: {
      "access_action":
        | "opened"
        | "added"
        | "changed"
        | "removed"
        | "exported"
        | "erased";
      "appointment_event_kind":
        | "created"
        | "changed"
        | "status_changed"
        | "removed";
      "appointment_status":
        | "held"
        | "pending"
        | "booked"
        | "arrived"
        | "fulfilled"
        | "cancelled"
        | "noshow"
        | "entered_in_error";
      "attendance_outcome": "attended" | "missed" | "unknown";
      "availability_exception_kind": "closed" | "extra";
      "booking_path": "patient" | "staff" | "worker" | "dashboard" | "import";
      "feed_details": "busy" | "titles";
      "follow_up_kind": "outside_hours" | "resource_gone";
      "import_kind": "patients" | "providers" | "synthea";
      "import_status": "queued" | "running" | "finished" | "failed";
      "invitation_status": "pending" | "accepted" | "revoked";
      "member_role": "owner" | "manager" | "front_desk" | "provider";
      "notification_channel": "email";
      "notification_kind":
        | "confirmation"
        | "change"
        | "cancellation"
        | "offer"
        | "request"
        | "reminder"
        | "follow_up"
        | "staff_booking"
        | "staff_request"
        | "staff_cancellation"
        | "agenda"
        | "guardian_invitation"
        | "log_in";
      "notification_status":
        | "queued"
        | "sending"
        | "sent"
        | "delivered"
        | "bounced"
        | "complained"
        | "skipped"
        | "dead";
      "numbers_by":
        | "total"
        | "provider"
        | "service"
        | "weekday"
        | "week"
        | "month";
      "offer_status": "open" | "accepted" | "declined" | "expired";
      "on_visits_outside": "refuse" | "mark" | "preview";
      "outside_calendar_state": "new" | "fresh" | "stale" | "failing";
      "reason_kind": "visit" | "change";
      "resource_kind": "room" | "equipment";
      "series_mode": "all_or_nothing" | "free_ones";
      "series_outcome": "booked" | "conflict";
      "session_status": "scheduled" | "cancelled";
      "waitlist_policy": "longest_waiting" | "urgency";
      "waitlist_status": "waiting" | "offered" | "booked" | "left" | "expired";
      "waitlist_urgency": "routine" | "soon" | "urgent";
    };
    CompositeTypes: {
      "duplicate_candidate": {
        "patient_id": string | null;
        "other_id": string | null;
        "same_email": boolean | null;
        "same_phone": boolean | null;
        "same_date_of_birth": boolean | null;
        "name_likeness": number | null;
      };
      "membership": {
        "clinic_id": string | null;
        "clinic_name": string | null;
        "role": Database["public"]["Enums"]["member_role"] | null;
        "needs_second_factor": boolean | null;
      };
      "open_session": {
        "session_id": string | null;
        "provider_id": string | null;
        "location_id": string | null;
        "starts_at": string | null;
        "ends_at": string | null;
        "seats_left": number | null;
      };
      "open_slot": {
        "provider_id": string | null;
        "location_id": string | null;
        "starts_at": string | null;
        "ends_at": string | null;
      };
      "series_visit": {
        "occurrence_at": string | null;
        "outcome": Database["public"]["Enums"]["series_outcome"] | null;
        "appointment_id": string | null;
        "alternatives": (string)[] | null;
        "error": string | null;
        "series_id": string | null;
      };
      "slot_rule": {
        "rule": string | null;
        "passes": boolean | null;
        "detail": string | null;
      };
      "visit_outside_hours": {
        "appointment_id": string | null;
        "provider_id": string | null;
        "location_id": string | null;
        "patient_id": string | null;
        "starts_at": string | null;
        "ends_at": string | null;
        "status": Database["public"]["Enums"]["appointment_status"] | null;
        "session_id": string | null;
      };
      "visit_reason": {
        "kind": Database["public"]["Enums"]["reason_kind"] | null;
        "reason": string | null;
        "written_by": string | null;
        "created_at": string | null;
      };
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
        "Tables"
      ]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
        "Views"
      ]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Tables"
    ]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Views"
    ]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[
      DefaultSchemaTableNameOrOptions
    ] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Tables"
    ]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
    "Tables"
  ][TableName] extends {
    Insert: infer I;
  } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Tables"
    ]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
    "Tables"
  ][TableName] extends {
    Update: infer U;
  } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]][
      "Enums"
    ]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][
    EnumName
  ]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[
      PublicCompositeTypeNameOrOptions["schema"]
    ]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]][
    "CompositeTypes"
  ][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {
      "access_action": [
        "opened",
        "added",
        "changed",
        "removed",
        "exported",
        "erased",
      ],
      "appointment_event_kind": [
        "created",
        "changed",
        "status_changed",
        "removed",
      ],
      "appointment_status": [
        "held",
        "pending",
        "booked",
        "arrived",
        "fulfilled",
        "cancelled",
        "noshow",
        "entered_in_error",
      ],
      "attendance_outcome": ["attended", "missed", "unknown"],
      "availability_exception_kind": ["closed", "extra"],
      "booking_path": ["patient", "staff", "worker", "dashboard", "import"],
      "feed_details": ["busy", "titles"],
      "follow_up_kind": ["outside_hours", "resource_gone"],
      "import_kind": ["patients", "providers", "synthea"],
      "import_status": ["queued", "running", "finished", "failed"],
      "invitation_status": ["pending", "accepted", "revoked"],
      "member_role": ["owner", "manager", "front_desk", "provider"],
      "notification_channel": ["email"],
      "notification_kind": [
        "confirmation",
        "change",
        "cancellation",
        "offer",
        "request",
        "reminder",
        "follow_up",
        "staff_booking",
        "staff_request",
        "staff_cancellation",
        "agenda",
        "guardian_invitation",
        "log_in",
      ],
      "notification_status": [
        "queued",
        "sending",
        "sent",
        "delivered",
        "bounced",
        "complained",
        "skipped",
        "dead",
      ],
      "numbers_by": [
        "total",
        "provider",
        "service",
        "weekday",
        "week",
        "month",
      ],
      "offer_status": ["open", "accepted", "declined", "expired"],
      "on_visits_outside": ["refuse", "mark", "preview"],
      "outside_calendar_state": ["new", "fresh", "stale", "failing"],
      "reason_kind": ["visit", "change"],
      "resource_kind": ["room", "equipment"],
      "series_mode": ["all_or_nothing", "free_ones"],
      "series_outcome": ["booked", "conflict"],
      "session_status": ["scheduled", "cancelled"],
      "waitlist_policy": ["longest_waiting", "urgency"],
      "waitlist_status": ["waiting", "offered", "booked", "left", "expired"],
      "waitlist_urgency": ["routine", "soon", "urgent"],
    },
  },
} as const;
