import { ask, type Release } from "./api.js";
import { ActionForm } from "./actionForm.js";

/** The releases, and the wish for another. */
export function Releases({ releases }: { releases: Release[] }) {
  const make = async ({ name }: Record<string, string>): Promise<string> => {
    const made = await ask<{ name: string }>("/releases", name === undefined ? {} : { name });
    return `The release ${made.name} is on its way.`;
  };
  return (
    <section>
      <h2>Releases</h2>
      {releases.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>name</th>
              <th class="number">samples</th>
              <th class="number">shards</th>
            </tr>
          </thead>
          <tbody>
            {releases.map(({ name, heldOut, standing, kept, shards }) => (
              <tr key={name}>
                <td>
                  {name} {heldOut && <span class="quiet">held out, for evaluations</span>}
                </td>
                {standing === null ? (
                  <>
                    <td class="number">{kept?.toLocaleString()}</td>
                    <td class="number">{shards}</td>
                  </>
                ) : (
                  <td class="number" colSpan={2}>
                    {standing}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <ActionForm label="Make a release" act={make}>
        <label>
          Name (or the next number)
          <input name="name" pattern="[A-Za-z0-9][A-Za-z0-9._\-]*" maxLength={100} placeholder="r0001" />
        </label>
      </ActionForm>
    </section>
  );
}
