-- Comments on columns whose names say most of it, for whoever edits rows in the dashboard.

comment on column public.clinics.name is 'As patients read it.';
comment on column public.clinics.time_zone is
  'The clinic''s own zone, e.g. Europe/Vienna; each location has one too, which counts for visits.';
comment on column public.locations.name is 'As patients read it in mails.';
comment on column public.locations.address is 'As patients read it in mails; null: none is given.';
comment on column public.members.user_id is 'The log-in.';
comment on column public.members.role is 'owner, manager, front_desk or provider.';
comment on column public.patients.full_name is 'As mails greet the person.';
comment on column public.patients.phone is 'For the clinic''s staff; nothing is sent there.';
comment on column public.patients.date_of_birth is 'Null: not known.';
comment on column public.providers.full_name is 'As patients read it.';
comment on column public.providers.speciality is 'As patients read it; null: none is given.';
comment on column public.providers.external_id is
  'The provider''s id in the system the record was imported from.';
comment on column public.services.name is 'As patients read it.';
comment on column public.services.description is 'As patients read it; null: none is given.';
comment on column public.services.active is 'False: offers no new times; past visits stay.';
comment on column public.provider_services.provider_id is 'Who offers it.';
comment on column public.provider_services.service_id is 'What is offered.';
comment on column public.resources.location_id is 'Where it stands; visits there can use it.';
comment on column public.resources.kind is 'room or equipment.';
comment on column public.resources.name is 'For the clinic''s staff.';
comment on column public.resources.active is 'False: is not used for new visits.';
comment on column public.service_needs.service_id is 'Which service needs it.';
comment on column public.service_needs.kind is 'room or equipment.';
comment on column public.weekly_hours.provider_id is 'Whose hours.';
comment on column public.weekly_hours.location_id is 'Where; its zone''s wall clock counts.';
comment on column public.weekly_hours.opens is 'As the wall clock at the location shows it.';
comment on column public.weekly_hours.valid_from is 'The first day.';
comment on column public.availability_exceptions.starts_on is 'The first day.';

comment on column public.appointments.service_id is 'What kind of visit.';
comment on column public.appointments.provider_id is 'Who sees the patient.';
comment on column public.appointments.patient_id is 'Whom; never changes.';
comment on column public.appointments.starts_at is
  'An instant; the editor shows it in the zone of the database. Give the zone when typing one.';
comment on column public.appointments.status is
  'held, pending, booked, arrived, fulfilled, cancelled, noshow or entered_in_error. Which may follow '
  'which: docs/appointment_states.md.';
comment on column public.appointments.booked_by is 'The user who booked; null: no user did.';
comment on column public.appointment_events.version is 'The appointment''s version after the change.';
comment on column public.appointment_events.kind is 'created, changed, status_changed or removed.';
comment on column public.appointment_events.happened_at is 'When the row was written.';
comment on column public.appointment_reasons.appointment_id is 'Of which visit.';
comment on column public.appointment_reasons.patient_id is 'Whose reason; they may read it.';
comment on column public.appointment_reasons.kind is
  'visit: what it is about; change: why it was called off or changed.';
comment on column public.appointment_reasons.reason is 'In the patient''s or staff''s own words.';
comment on column public.appointment_reasons.written_by is 'Who wrote it; null: no user did.';
comment on column public.notifications.appointment_version is
  'Which version it tells about; a newer one makes it obsolete.';
comment on column public.notifications.kind is 'What it says.';
comment on column public.notifications.channel is 'How it is sent.';
comment on column public.notifications.status is 'queued, sending, sent, skipped or dead.';
comment on column public.notifications.attempts is 'How often it was tried.';
comment on column public.notifications.sent_at is 'When the mail provider took it.';
comment on column public.history_seals.event_count is 'How many events it covers.';
comment on column public.history_seals.sealed_at is 'When it was sealed.';

comment on column public.waitlist_entries.service_id is 'What the patient waits for.';
comment on column public.waitlist_entries.patient_id is 'Who waits.';
comment on column public.waitlist_entries.status is
  'waiting, offered, booked, left or expired. While offered it changes through its offer alone.';
comment on column public.waitlist_entry_providers.entry_id is 'Whose wish.';
comment on column public.waitlist_entry_providers.provider_id is 'A provider who will do.';
comment on column public.waitlist_offers.entry_id is 'To whom it was made.';
comment on column public.waitlist_offers.provider_id is 'With whom the visit would be.';
comment on column public.waitlist_offers.starts_at is 'When the visit would start.';
comment on column public.waitlist_offers.expires_at is 'Until when the time is kept.';
comment on column public.waitlist_offers.status is 'open, accepted, declined or expired.';
comment on column public.attendance.outcome is
  'attended, missed, or unknown: over, and nobody said. Unknown is not a no-show.';
comment on column public.patient_attendance.late_cancellations is
  'Called off by the patient within the clinic''s late_cancel_hours.';
comment on column public.patient_attendance.unknown is 'Over, and nobody said; counts for nothing.';
