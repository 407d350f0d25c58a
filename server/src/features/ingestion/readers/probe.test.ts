
import { it } from 'vitest';
import { createTestApp } from '#test/create-test-app.js';
it('probe', async () => {
  const app = await createTestApp();
  const { token } = await app.register();
  const projectId = await app.createProject(token);
  await app.addSource(token, projectId, { type: 'qa', name: 'Q', pairs: [{question:'How long does a refund take?', answer:'It takes five working days. It goes to the card that was used.'},{question:'What does a parcel cost?',answer:'€4.90 within the country.'}] });
  for (const message of ['How many days does a refund take?', 'refund duration?', 'price of a parcel', 'cost of a parcel?', 'Does the refund go to my card?']) {
    const { body } = await app.request('POST', `/v1/projects/${projectId}/chat`, { token, body: { message } });
    console.log(message, '=>', body.message.content, body.message.confidence);
  }
  const tr = await app.createProject(token, { language: 'tr' });
  await app.addSource(token, tr, { type: 'qa', name: 'Q', pairs: [{question:'IBAN nedir?', answer:'Hesap numarası.'},{question:'Iade suresi?', answer:'Bes gun.'}] });
  for (const message of ['IBAN nedir?', 'iban nedir', 'Iade suresi?']) {
    const { body } = await app.request('POST', `/v1/projects/${tr}/search`, { token, body: { query: message } });
    console.log(message, '=>', body.results[0]?.score);
  }
  await app.close();
});
